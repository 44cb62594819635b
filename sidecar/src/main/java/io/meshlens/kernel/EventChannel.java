// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.flow.RecordStore;
import io.meshlens.libbpf.RingBuffer;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The events of the kernel programs, handed in batches to whoever subscribed to their type. What
 * the kernel side does for it is in bpf/include/emit.bpf.h; docs/proposal/0006 shows how a type is
 * added.
 *
 * <p>Guarantees:
 *
 * <ol>
 *   <li>Each event is handed over once, in the order of its reservation, in place: reading makes no
 *       call into native code and no object.
 *   <li>What cannot be an event of its type is counted and skipped.
 *   <li>When {@link #sync} returns, every event that was submitted before the call has been handed
 *       over, and its batch has been ended.
 * </ol>
 *
 * <p>{@link #readBatch} is for one thread, ring-reader, and consumers run in it. {@link #sync} is
 * for all others.
 */
public final class EventChannel {
  private static final int MAX_BATCH = 4096;

  private final RingBuffer ring;
  private final Vitals vitals;
  private final EventDispatch dispatch;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition progress = lock.newCondition();
  private final AtomicInteger waiting = new AtomicInteger();
  private volatile long handedOver;
  private volatile @Nullable Thread reader;

  /** Owned by: ring-reader. */
  private @Nullable RingRetention retention;

  /** Reads from a ring that has no other reader. */
  public EventChannel(RingBuffer ring, Vitals vitals) {
    this.ring = ring;
    this.vitals = vitals;
    dispatch = new EventDispatch(vitals);
    handedOver = ring.consumerPosition();
  }

  /**
   * Before the first batch is read: what the stores were given stays in the ring until they have it
   * for good, so that a kill of this process loses nothing.
   */
  public void keepFor(List<? extends RecordStore> stores) {
    if (!stores.isEmpty()) {
      ring.keep();
      retention = new RingRetention(stores);
    }
  }

  /** When the reader has ended, and the stores too: gives the kernel all that is safe now. */
  public void releaseRest() {
    if (retention != null) {
      ring.release(retention.releasable(ring.consumerPosition(), ring.capacityBytes()));
    }
  }

  /**
   * Before the first batch is read, and before the type is enabled ({@link EventSwitches}).
   *
   * @throws IllegalStateException when the type has a consumer
   */
  public void subscribe(EventType type, EventConsumer consumer) {
    dispatch.subscribe(type, consumer);
  }

  /** Hands over what is there, up to a batch; returns the number of events. */
  public int readBatch() {
    if (reader == null) {
      reader = Thread.currentThread();
    }
    long tornBefore = ring.tornRecords();
    int events = ring.poll(dispatch, most());
    vitals.add(Vital.RECORDS_LOST_TORN, ring.tornRecords() - tornBefore);
    if (events > 0) {
      vitals.add(Vital.RECORDS_READ, events);
      dispatch.endBatches();
    }
    handedOver = ring.readPosition();
    if (retention != null) {
      retention.batchRead(handedOver);
      ring.release(retention.releasable(ring.consumerPosition(), ring.capacityBytes()));
    }
    if (waiting.get() > 0) {
      tellProgress();
    }
    return events;
  }

  /** Wakes those who wait in {@link #sync}, and keeps what they woke the reader with. */
  private void tellProgress() {
    if (!lock.tryLock()) {
      lock.lock();
      // To wait for the lock may have used up the permit that sync() gave this thread.
      LockSupport.unpark(Thread.currentThread());
    }
    try {
      progress.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * While a store has no room, events are as safe in the ring, unless that is half full: then they
   * are read, and the store counts what it loses.
   */
  private int most() {
    boolean crowded = ring.backlogBytes() > ring.capacityBytes() / 2;
    return retention == null || crowded ? MAX_BATCH : Math.min(MAX_BATCH, retention.room());
  }

  /** Whether events are left in the ring, because a store has no room. Only for the reader. */
  public boolean isHoldingBack() {
    return retention != null
        && retention.room() == 0
        && ring.readPosition() != ring.producerPosition();
  }

  /**
   * Waits until every event submitted before this call has been handed over. Wakes the reader.
   *
   * @throws TimeoutException when it takes longer: the reader hangs or has ended, or a program
   *     holds a reserved event
   * @throws IllegalStateException when called by a consumer, which would wait for itself
   */
  public void sync(Duration timeout) throws InterruptedException, TimeoutException {
    Thread thread = reader;
    if (Thread.currentThread().equals(thread)) {
      throw new IllegalStateException("sync called by a consumer");
    }
    long submitted = ring.producerPosition();
    long leftNs = timeout.toNanos();
    lock.lock();
    waiting.incrementAndGet();
    try {
      LockSupport.unpark(thread);
      while (handedOver - submitted < 0) {
        if (leftNs <= 0) {
          throw new TimeoutException(
              submitted - handedOver + " bytes of events were not handed over within " + timeout);
        }
        leftNs = progress.awaitNanos(leftNs);
      }
    } finally {
      waiting.decrementAndGet();
      lock.unlock();
    }
  }
}
