// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.kernel.MonoClock;
import io.meshlens.kernel.RingReader;
import io.meshlens.libbpf.RingBuffer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * The thread ring-reader: looks at the ring at its own pace, because the kernel wakes nobody. Each
 * look takes a processor from the workload for a moment, so they are few: at 50,000 records a
 * second the longest pause fills a seventeenth of a ring of the default size.
 */
final class RingLoop implements Runnable {
  private static final long SHORTEST_PAUSE_NS = TimeUnit.MILLISECONDS.toNanos(20);
  private static final long LONGEST_PAUSE_NS = TimeUnit.MILLISECONDS.toNanos(50);
  private static final long ANCHOR_INTERVAL_NS = TimeUnit.SECONDS.toNanos(1);

  private final RingReader reader;
  private final RingBuffer ring;
  private final MonoClock clock;
  private volatile boolean ending;

  RingLoop(RingReader reader, RingBuffer ring, MonoClock clock) {
    this.reader = reader;
    this.ring = ring;
    this.clock = clock;
  }

  /** Reads on until the ring is empty, then ends; the programs must be detached before. */
  void end() {
    ending = true;
  }

  @Override
  public void run() {
    long pauseNs = SHORTEST_PAUSE_NS;
    long anchoredNs = clock.nowMonoNs();
    while (true) {
      boolean last = ending;
      int records = 0;
      for (int batch = reader.readBatch(ring); batch > 0; batch = reader.readBatch(ring)) {
        records += batch;
      }
      if (last) {
        return;
      }
      if (clock.nowMonoNs() - anchoredNs > ANCHOR_INTERVAL_NS) {
        clock.anchor();
        anchoredNs = clock.nowMonoNs();
      }
      pauseNs = records > 0 ? SHORTEST_PAUSE_NS : Math.min(LONGEST_PAUSE_NS, pauseNs * 2);
      LockSupport.parkNanos(pauseNs);
    }
  }
}
