// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.xds;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Doubling waits between connections, each anything from half of it to all of it, so that the nodes
 * of a cluster do not come back to a restarted control plane at once. Owned by: one thread.
 */
final class Backoff {
  static final Duration FIRST = Duration.ofMillis(500);
  static final Duration LONGEST = Duration.ofSeconds(30);

  private final RandomGenerator random;
  private Duration next = FIRST;

  Backoff(RandomGenerator random) {
    this.random = random;
  }

  Duration next() {
    Duration wait = next;
    Duration doubled = wait.multipliedBy(2);
    next = doubled.compareTo(LONGEST) > 0 ? LONGEST : doubled;
    return Duration.ofMillis((long) (wait.toMillis() * (0.5 + 0.5 * random.nextDouble())));
  }

  /** The control plane has answered. */
  void reset() {
    next = FIRST;
  }
}
