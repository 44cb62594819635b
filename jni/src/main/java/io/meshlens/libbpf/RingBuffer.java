// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Owned by: the thread that first polls. The one consumer of a BPF ring, reading records where the
 * kernel wrote them.
 *
 * <p>Guarantees:
 *
 * <ol>
 *   <li>Per ring there is at most one of these in the process, and only one thread polls it.
 *   <li>Each record is delivered once, in the order of reservation; discarded ones are passed over.
 *   <li>{@link #poll} makes no native call and allocates nothing.
 *   <li>After {@link #close}, which any thread may call, everything but {@link #close}, {@link
 *       #capacityBytes} and {@link #tornRecords} is an {@link IllegalStateException}.
 * </ol>
 */
public final class RingBuffer implements AutoCloseable {
  /** The data area is addressed twice in a row by int offsets. */
  private static final int MAX_CAPACITY_BYTES = 1 << 29;

  private static final Set<Integer> MAPPED_IDS = ConcurrentHashMap.newKeySet();

  private final int id;
  private final Handle handle;
  private final Arena arena;
  private final RingCursor cursor;

  /** Id of the thread that polls; 0 until one does. */
  private final AtomicLong ownerThread = new AtomicLong();

  private final AtomicBoolean closed = new AtomicBoolean();
  private boolean polling;

  private RingBuffer(BpfMap map, int fd) {
    this.id = map.id();
    this.handle = new Handle("ring " + map.name(), fd, descriptor -> close0((int) descriptor));
    this.arena = Arena.ofShared();
    try {
      int page = pageBytes0();
      long producerBytes = page + 2L * map.maxEntries();
      MemorySegment consumer =
          segment(BpfException.check("map ring " + map.name(), mapConsumer0(fd)), page);
      MemorySegment producer =
          segment(
              BpfException.check("map ring " + map.name(), mapProducer0(fd, producerBytes)),
              producerBytes);
      this.cursor =
          new RingCursor(consumer, producer.asReadOnly(), producer.asReadOnly().asSlice(page));
    } catch (RuntimeException e) {
      arena.close();
      handle.close();
      throw e;
    }
  }

  /**
   * Maps a ring into this process and becomes its consumer. The map may be closed meanwhile.
   *
   * @throws IllegalStateException if the ring has a consumer in this process
   * @throws IllegalArgumentException if the map is no ring
   */
  public static RingBuffer map(BpfMap map) {
    if (map.type() != MapType.RINGBUF.kernelId()) {
      throw new IllegalArgumentException("map " + map.name() + " is not a ring buffer");
    }
    if (map.maxEntries() > MAX_CAPACITY_BYTES) {
      throw new IllegalArgumentException(
          "ring %s has %d bytes, the most is %d"
              .formatted(map.name(), map.maxEntries(), MAX_CAPACITY_BYTES));
    }
    if (!MAPPED_IDS.add(map.id())) {
      throw new IllegalStateException("ring " + map.name() + " already has a consumer");
    }
    try {
      long fd = map.handle().use(descriptor -> duplicate0((int) descriptor));
      return new RingBuffer(map, (int) BpfException.check("open ring " + map.name(), fd));
    } catch (RuntimeException e) {
      MAPPED_IDS.remove(map.id());
      throw e;
    }
  }

  /**
   * Delivers records that are ready, without waiting.
   *
   * @param maxRecords the most records to deliver
   * @return how many were delivered
   * @throws IllegalStateException if another thread polled before, or from within a consumer
   */
  public int poll(RecordConsumer consumer, int maxRecords) {
    claim();
    if (polling) {
      throw new IllegalStateException("poll called by its own consumer");
    }
    polling = true;
    try {
      return cursor.poll(consumer, maxRecords);
    } finally {
      polling = false;
    }
  }

  /**
   * Blocks this thread until there is a record, a signal, or the time is up.
   *
   * @param timeoutMillis the most to wait; 0 not at all
   * @return whether there is something to poll
   */
  public boolean await(int timeoutMillis) {
    if (timeoutMillis < 0) {
      throw new IllegalArgumentException("timeoutMillis is negative: " + timeoutMillis);
    }
    return BpfException.check("await records", handle.use(fd -> await0((int) fd, timeoutMillis)))
        != 0;
  }

  /**
   * From now on records that were delivered stay in the ring until {@link #release}: a next
   * consumer begins with them.
   */
  public void keep() {
    cursor.keep();
  }

  /**
   * Lets the kernel overwrite records after {@link #keep}.
   *
   * @param position up to which, as {@link #readPosition} returned it
   */
  public void release(long position) {
    if (closed.get()) {
      throw new IllegalStateException("ring is closed");
    }
    cursor.release(position);
  }

  /**
   * Returns up to where records have been delivered. Only for the thread that polls, or after it.
   */
  public long readPosition() {
    return cursor.readPosition();
  }

  /**
   * Returns where the kernel reserves the next record: bytes since the ring was made, headers
   * included. From any thread.
   */
  public long producerPosition() {
    return cursor.producerPosition();
  }

  /** Returns up to where records have been taken, counted likewise. From any thread. */
  public long consumerPosition() {
    return cursor.consumerPosition();
  }

  /** Returns the bytes reserved and not yet consumed, headers included. From any thread. */
  public long backlogBytes() {
    return cursor.backlogBytes();
  }

  /** Returns the size of the data area. */
  public long capacityBytes() {
    return cursor.capacityBytes();
  }

  /**
   * Returns how often a record's length could not be true. Each time all records up to the
   * producer's position were skipped. From any thread.
   */
  public long tornRecords() {
    return cursor.tornRecords();
  }

  /** Unmaps the ring; records not consumed stay for the next consumer. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      arena.close();
      handle.close();
      MAPPED_IDS.remove(id);
    }
  }

  private void claim() {
    long current = Thread.currentThread().threadId();
    if (ownerThread.getPlain() != current && !ownerThread.compareAndSet(0, current)) {
      throw new IllegalStateException(
          "ring is polled by thread " + ownerThread.get() + ", not by " + current);
    }
  }

  private MemorySegment segment(long address, long bytes) {
    return MemorySegment.ofAddress(address)
        .reinterpret(bytes, arena, mapped -> unmap0(mapped.address(), bytes));
  }

  private static native int pageBytes0();

  private static native int duplicate0(int fd);

  private static native long mapConsumer0(int fd);

  private static native long mapProducer0(int fd, long length);

  private static native void unmap0(long address, long length);

  private static native int await0(int fd, int timeoutMillis);

  private static native void close0(int fd);
}
