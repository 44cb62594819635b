// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.flow.Connection;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Connections on their way from one thread to another, copied into places that are used over and
 * over, and from the first one on whenever the queue was empty: so no more places are made than
 * ever waited at once, and those of a short queue stay in the processor's caches.
 *
 * <p>{@link #offer} and {@link #wake} are for one thread, {@link #drain} and {@link #await} for
 * another; neither ever waits for a lock.
 */
final class ConnectionQueue {
  private final @Nullable Connection[] places;

  /**
   * The number of the connection in the first place. Changed by the offering thread while the queue
   * is empty, and published with the next connection.
   */
  private long first;

  /** How many were ever offered; written by the offering thread. */
  private final AtomicLong offered = new AtomicLong();

  /** How many were ever drained; written by the draining thread. */
  private final AtomicLong drained = new AtomicLong();

  private volatile @Nullable Thread waiting;

  ConnectionQueue(int size) {
    places = new Connection[size];
  }

  /** Copies the connection; false when the queue is full. */
  boolean offer(Connection connection) {
    long place = offered.getPlain();
    long taken = place - drained.getAcquire();
    if (taken >= places.length) {
      return false;
    }
    if (taken == 0) {
      first = place;
    }
    int index = index(place);
    Connection copy = places[index];
    if (copy == null) {
      copy = new Connection();
      places[index] = copy;
    }
    connection.copyTo(copy);
    offered.setRelease(place + 1);
    return true;
  }

  private int index(long place) {
    return (int) ((place - first) % places.length);
  }

  /** Ends the wait of the draining thread, if it waits. */
  void wake() {
    // The write of offer must not be seen after this read.
    VarHandle.fullFence();
    Thread thread = waiting;
    if (thread != null) {
      LockSupport.unpark(thread);
    }
  }

  /** Hands over up to so many, each valid until the call returns; how many. */
  int drain(Consumer<Connection> consumer, int most) {
    long from = drained.getPlain();
    int count = (int) Math.min(most, offered.getAcquire() - from);
    for (int i = 0; i < count; i++) {
      Connection connection = places[index(from + i)];
      if (connection != null) {
        consumer.accept(connection);
      }
    }
    drained.setRelease(from + count);
    return count;
  }

  /** Waits until there is something, {@link #wake} is called, or the time is over. */
  void await(Duration patience) {
    waiting = Thread.currentThread();
    try {
      VarHandle.fullFence();
      if (size() == 0) {
        LockSupport.parkNanos(patience.toNanos());
      }
    } finally {
      waiting = null;
    }
  }

  /** How many were ever taken. For the offering thread. */
  long offered() {
    return offered.getPlain();
  }

  /** How many were ever handed over. For the draining thread. */
  long drained() {
    return drained.getPlain();
  }

  /** How many are on their way. Safe for any thread. */
  int size() {
    return (int) (offered.getAcquire() - drained.getAcquire());
  }
}
