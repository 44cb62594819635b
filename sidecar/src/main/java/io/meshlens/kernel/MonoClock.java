// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import java.time.Instant;
import java.time.InstantSource;
import java.util.function.LongSupplier;

/**
 * Turns the kernel's monotonic times into wall-clock times. The only place that reads the monotonic
 * clock, which on Linux is the same CLOCK_MONOTONIC for {@link System#nanoTime} and for
 * bpf_ktime_get_ns.
 *
 * <p>Owned by: ring-reader. The distance between the two clocks is measured again at every {@link
 * #anchor()}, so a stepped wall clock is followed within one interval.
 */
public final class MonoClock {
  private static final int TRIES = 3;
  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  private final LongSupplier monoNs;
  private final InstantSource wall;
  private long offsetNs;

  public MonoClock(LongSupplier monoNs, InstantSource wall) {
    this.monoNs = monoNs;
    this.wall = wall;
    anchor();
  }

  /** The clocks of this machine. */
  public static MonoClock system() {
    return new MonoClock(System::nanoTime, InstantSource.system());
  }

  public long nowMonoNs() {
    return monoNs.getAsLong();
  }

  /**
   * Measures the distance between the clocks anew; of a few tries the least disturbed one counts.
   */
  public void anchor() {
    long bestGapNs = Long.MAX_VALUE;
    for (int i = 0; i < TRIES; i++) {
      long before = monoNs.getAsLong();
      Instant now = wall.instant();
      long gapNs = monoNs.getAsLong() - before;
      if (gapNs < bestGapNs) {
        bestGapNs = gapNs;
        offsetNs = now.getEpochSecond() * NANOS_PER_SECOND + now.getNano() - before - gapNs / 2;
      }
    }
  }

  /** Nanoseconds since the epoch of a CLOCK_MONOTONIC time. */
  public long epochNs(long monoNs) {
    return monoNs + offsetNs;
  }
}
