// SPDX-License-Identifier: Apache-2.0
package io.meshlens.spool;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** A spool that ends with the process. */
public final class MemorySpool implements Spool {
  private final long maxBytes;
  private final Overflow overflow;
  private final Losses losses;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition arrived = lock.newCondition();

  /** Guarded by lock, like all below. */
  private final Deque<Batch> waiting = new ArrayDeque<>();

  private final Deque<Batch> underWay = new ArrayDeque<>();
  private long bytes;
  private long records;
  private boolean closed;

  /**
   * @param maxBytes of all batches, those under way included
   */
  public MemorySpool(long maxBytes, Overflow overflow, Losses losses) {
    this.maxBytes = maxBytes;
    this.overflow = overflow;
    this.losses = losses;
  }

  @Override
  public void append(Batch batch) {
    lock.lock();
    try {
      if (closed) {
        losses.lost(LossCause.CLOSED, batch.records());
        return;
      }
      while (bytes + batch.memoryBytes() > maxBytes) {
        Batch oldest = overflow == Overflow.DROP_OLDEST ? waiting.pollFirst() : null;
        if (oldest == null) {
          losses.lost(LossCause.NEWEST_DROPPED, batch.records());
          return;
        }
        forget(oldest);
        losses.lost(LossCause.OLDEST_DROPPED, oldest.records());
      }
      waiting.addLast(batch);
      bytes += batch.memoryBytes();
      records += batch.records();
      arrived.signal();
    } finally {
      lock.unlock();
    }
  }

  private void forget(Batch batch) {
    bytes -= batch.memoryBytes();
    records -= batch.records();
  }

  @Override
  public void commit() {
    // Nothing here outlives the process.
  }

  @Override
  public boolean await(Duration patience) throws InterruptedException {
    long leftNs = patience.toNanos();
    lock.lockInterruptibly();
    try {
      while (waiting.isEmpty() && leftNs > 0 && !closed) {
        leftNs = arrived.awaitNanos(leftNs);
      }
      return !waiting.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public @Nullable Batch take(Duration patience) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      if (!await(patience)) {
        return null;
      }
      Batch batch = waiting.removeFirst();
      underWay.addLast(batch);
      return batch;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long confirm() {
    lock.lock();
    try {
      long confirmed = 0;
      for (Batch batch : underWay) {
        forget(batch);
        confirmed += batch.records();
      }
      underWay.clear();
      return confirmed;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long again() {
    lock.lock();
    try {
      long again = 0;
      while (!underWay.isEmpty()) {
        Batch batch = underWay.removeLast();
        again += batch.records();
        waiting.addFirst(batch);
      }
      return again;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long records() {
    lock.lock();
    try {
      return records;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long sizeBytes() {
    lock.lock();
    try {
      return bytes;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean isDurable() {
    return false;
  }

  @Override
  public void close() {
    lock.lock();
    try {
      if (!closed) {
        closed = true;
        losses.lost(LossCause.CLOSED, records);
        waiting.clear();
        underWay.clear();
        records = 0;
        bytes = 0;
        arrived.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }
}
