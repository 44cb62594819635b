// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.kernel.EventChannel;
import io.meshlens.kernel.MonoClock;
import io.meshlens.libbpf.RingBuffer;
import io.meshlens.wire.ConnectionRecordReader;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * The thread ring-reader: looks at the ring at its own pace, because the kernel wakes nobody. Each
 * look takes a processor from the workload for a moment, and finds its own data gone from the
 * cache, so they are few. After one that found a sixteenth of the ring in use, the pause is
 * shorter.
 */
final class RingLoop implements Runnable {
  private static final long SHORT_PAUSE_NS = TimeUnit.MILLISECONDS.toNanos(10);
  private static final long PAUSE_NS = TimeUnit.MILLISECONDS.toNanos(50);
  private static final long ANCHOR_INTERVAL_NS = TimeUnit.SECONDS.toNanos(1);

  private final EventChannel channel;
  private final RingBuffer ring;
  private final MonoClock clock;
  private volatile boolean ending;

  RingLoop(EventChannel channel, RingBuffer ring, MonoClock clock) {
    this.channel = channel;
    this.ring = ring;
    this.clock = clock;
  }

  /** Reads on until the ring is empty, then ends; the programs must be detached before. */
  void end() {
    ending = true;
  }

  @Override
  public void run() {
    long manyRecords = ring.capacityBytes() / ConnectionRecordReader.SIZE_BYTES / 16;
    long anchoredNs = clock.nowMonoNs();
    while (true) {
      boolean last = ending;
      int records = 0;
      for (int batch = channel.readBatch(); batch > 0; batch = channel.readBatch()) {
        records += batch;
      }
      if (last && (!channel.isHoldingBack() || Thread.interrupted())) {
        return;
      }
      if (clock.nowMonoNs() - anchoredNs > ANCHOR_INTERVAL_NS) {
        clock.anchor();
        anchoredNs = clock.nowMonoNs();
      }
      LockSupport.parkNanos(records > manyRecords ? SHORT_PAUSE_NS : PAUSE_NS);
    }
  }
}
