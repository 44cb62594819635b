// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Owned by: the thread that polls. Walks the records of a BPF ring that is already in memory.
 *
 * <pre>
 * data (mapped twice in a row, so that no record wraps):
 *
 *   position & (capacity - 1)
 *   v
 *   +--------------------+-----------+----------------+
 *   | u32 length | flags | u32 pgoff | length bytes   | padding to 8
 *   +--------------------+-----------+----------------+
 *     bit 31: busy, the kernel side still writes it; bit 30: discarded
 * </pre>
 *
 * <p>Guarantees, after kernel/bpf/ringbuf.c:
 *
 * <ol>
 *   <li>The producer position is read with acquire, so every length word below it is initialized.
 *   <li>A length word is read with acquire, so a record that is not busy is complete.
 *   <li>The consumer position is written with release, after the reads of the records it frees, and
 *       also when the consumer throws: the throwing record counts as taken.
 *   <li>After {@link #keep}, the consumer position is written by {@link #release} alone.
 *   <li>A length that cannot be is counted, and the walk goes on at the producer position: no input
 *       makes it loop or leave the ring.
 * </ol>
 */
final class RingCursor {
  private static final int HEADER_BYTES = 8;
  private static final int BUSY = 1 << 31;
  private static final int DISCARD = 1 << 30;

  /** Records between two writes of the consumer position, so that the kernel gets room early. */
  private static final int PUBLISH_INTERVAL = 64;

  private static final VarHandle POSITION = ValueLayout.JAVA_LONG.varHandle();
  private static final VarHandle LENGTH = ValueLayout.JAVA_INT.varHandle();

  private final MemorySegment consumerPage;
  private final MemorySegment producerPage;
  private final MemorySegment data;
  private final ByteBuffer dataBuffer;
  private final long capacityBytes;
  private final AtomicLong tornRecords = new AtomicLong();
  private long position;
  private boolean keeping;

  /**
   * Starts where the last consumer stopped.
   *
   * @param data the data area, twice in a row
   */
  RingCursor(MemorySegment consumerPage, MemorySegment producerPage, MemorySegment data) {
    this.consumerPage = consumerPage;
    this.producerPage = producerPage;
    this.data = data;
    this.dataBuffer = data.asByteBuffer().order(ByteOrder.nativeOrder());
    this.capacityBytes = data.byteSize() / 2;
    this.position = (long) POSITION.getAcquire(consumerPage, 0L);
  }

  int poll(RecordConsumer consumer, int maxRecords) {
    long producer = (long) POSITION.getAcquire(producerPage, 0L);
    int delivered = 0;
    int walked = 0;
    try {
      while (delivered < maxRecords && position != producer) {
        int offset = (int) (position & (capacityBytes - 1));
        int header = (int) LENGTH.getAcquire(data, (long) offset);
        if ((header & BUSY) != 0) {
          break;
        }
        int length = header & ~DISCARD;
        long next = position + ((length + HEADER_BYTES + 7L) & -8L);
        if (length + (long) HEADER_BYTES > capacityBytes || next - producer > 0) {
          tornRecords.incrementAndGet();
          position = producer;
          break;
        }
        position = next;
        if ((header & DISCARD) == 0) {
          delivered++;
          consumer.accept(dataBuffer, offset + HEADER_BYTES, length);
        }
        if (++walked % PUBLISH_INTERVAL == 0 && !keeping) {
          POSITION.setRelease(consumerPage, 0L, position);
        }
      }
    } finally {
      if (!keeping) {
        POSITION.setRelease(consumerPage, 0L, position);
      }
    }
    return delivered;
  }

  void keep() {
    keeping = true;
  }

  void release(long upTo) {
    POSITION.setRelease(consumerPage, 0L, upTo);
  }

  /** For the thread that polls. */
  long readPosition() {
    return position;
  }

  long producerPosition() {
    return (long) POSITION.getAcquire(producerPage, 0L);
  }

  long consumerPosition() {
    return (long) POSITION.getAcquire(consumerPage, 0L);
  }

  long backlogBytes() {
    // The consumer first: read the other way round, it could overtake the producer's old position.
    long consumer = consumerPosition();
    return producerPosition() - consumer;
  }

  long capacityBytes() {
    return capacityBytes;
  }

  long tornRecords() {
    return tornRecords.get();
  }
}
