// SPDX-License-Identifier: Apache-2.0
package io.meshlens.api;

import io.meshlens.vitals.Durations;
import io.meshlens.vitals.SelfMetric;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.util.concurrent.Semaphore;
import java.util.function.LongSupplier;

/**
 * Bounds how many scrapes are under way: each holds all series in memory, and a slow reader holds
 * its thread. Safe for all threads.
 */
public final class Scrapes {
  /** Two Prometheus servers that watch the same targets. */
  static final int AT_A_TIME = 2;

  private final Semaphore room = new Semaphore(AT_A_TIME);
  private final LongSupplier monoNs;
  private final Durations durations;
  private final Vitals vitals;

  /**
   * None is under way.
   *
   * @param monoNs a monotonic clock
   */
  public Scrapes(LongSupplier monoNs, Durations durations, Vitals vitals) {
    this.monoNs = monoNs;
    this.durations = durations;
    this.vitals = vitals;
  }

  interface Scrape {
    void run() throws IOException;
  }

  /** Whether there was room for it; a scrape that breaks off is counted. */
  boolean run(Scrape scrape) throws IOException {
    if (!room.tryAcquire()) {
      vitals.increment(Vital.SCRAPES_REFUSED);
      return false;
    }
    long startMonoNs = monoNs.getAsLong();
    try {
      scrape.run();
    } catch (IOException | RuntimeException e) {
      vitals.increment(Vital.SCRAPES_FAILED);
      throw e;
    } finally {
      room.release();
      durations.record(SelfMetric.SCRAPE_DURATION, monoNs.getAsLong() - startMonoNs);
    }
    return true;
  }
}
