// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Pauses between attempts to reach a source: doubling, each chosen anywhere between half and all of
 * it, so that the sidecars of all nodes do not come back to a restarted API server or control plane
 * at once. Owned by: one thread.
 */
public final class Pauses {
  private final Duration first;
  private final Duration longest;
  private final RandomGenerator random;
  private Duration next;

  public Pauses(Duration first, Duration longest, RandomGenerator random) {
    this.first = first;
    this.longest = longest;
    this.random = random;
    next = first;
  }

  /** How long to wait before the next attempt. */
  public Duration next() {
    Duration all = next;
    Duration doubled = all.multipliedBy(2);
    next = doubled.compareTo(longest) > 0 ? longest : doubled;
    return jittered(all);
  }

  /** For what will not be better soon. */
  public Duration longest() {
    return jittered(longest);
  }

  private Duration jittered(Duration all) {
    return Duration.ofMillis((long) (all.toMillis() * (0.5 + 0.5 * random.nextDouble())));
  }

  /** The last attempt succeeded. */
  public void reset() {
    next = first;
  }
}
