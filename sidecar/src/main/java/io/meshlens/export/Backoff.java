// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import java.time.Duration;
import java.util.random.RandomGenerator;

/** Doubling waits between attempts, with a fifth of jitter either way. Owned by: one thread. */
final class Backoff {
  private final Duration first;
  private final Duration longest;
  private final RandomGenerator random;
  private Duration next;

  Backoff(Duration first, Duration longest, RandomGenerator random) {
    this.first = first;
    this.longest = longest;
    this.random = random;
    this.next = first;
  }

  /** How long to wait before the next attempt. */
  Duration next() {
    Duration wait = next;
    Duration doubled = wait.multipliedBy(2);
    next = doubled.compareTo(longest) > 0 ? longest : doubled;
    return Duration.ofMillis((long) (wait.toMillis() * (0.8 + 0.4 * random.nextDouble())));
  }

  /** The last attempt succeeded. */
  void reset() {
    next = first;
  }
}
