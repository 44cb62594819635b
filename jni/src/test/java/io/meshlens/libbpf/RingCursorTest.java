// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The walk over a ring in memory that these tests write as the kernel would. */
class RingCursorTest {
  private static final int CAPACITY = 4096;
  private static final int BUSY = 1 << 31;
  private static final int DISCARD = 1 << 30;

  private final MemorySegment consumerPage = Arena.ofAuto().allocate(8, 8);
  private final MemorySegment producerPage = Arena.ofAuto().allocate(8, 8);
  private final MemorySegment data = Arena.ofAuto().allocate(2 * CAPACITY, 8);
  private final List<Long> taken = new ArrayList<>();
  private final RecordConsumer take = (data, offset, length) -> taken.add(data.getLong(offset));

  private RingCursor cursor() {
    return new RingCursor(consumerPage, producerPage, data);
  }

  private long consumerPosition() {
    return consumerPage.get(ValueLayout.JAVA_LONG, 0);
  }

  private long producerPosition() {
    return producerPage.get(ValueLayout.JAVA_LONG, 0);
  }

  private void write(int lengthWord, long content) {
    long at = producerPosition() & (CAPACITY - 1);
    int length = lengthWord & ~(BUSY | DISCARD);
    put(at, lengthWord);
    for (int i = 0; i + 8 <= length && i + 8 <= CAPACITY; i += 8) {
      put(at + 8 + i, (int) content);
      put(at + 12 + i, (int) (content >>> 32));
    }
    long bytes = (length + 8L + 7) & -8L;
    producerPage.set(ValueLayout.JAVA_LONG, 0, producerPosition() + bytes);
  }

  /** Writes through both mappings. */
  private void put(long at, int word) {
    data.set(ValueLayout.JAVA_INT, at % CAPACITY, word);
    data.set(ValueLayout.JAVA_INT, at % CAPACITY + CAPACITY, word);
  }

  @Test
  void recordsAreDeliveredOnceAndInOrderAcrossManyWraps() {
    RingCursor cursor = cursor();
    Random random = new Random(7);
    long next = 0;
    while (next < 10_007) {
      for (int i = random.nextInt(30); i > 0 && next < 10_007; i--) {
        write(8 * random.nextInt(1, 16), next++);
      }
      while (cursor.poll(take, 5) > 0) {
        assertThat(cursor.backlogBytes()).isBetween(0L, (long) CAPACITY);
      }
      assertThat(consumerPosition()).isEqualTo(producerPosition());
    }
    assertThat(taken).hasSize(10_007);
    assertThat(taken.getFirst()).isZero();
    assertThat(taken).isSorted().doesNotHaveDuplicates();
  }

  @Test
  void aBusyRecordHoldsBackThoseBehindIt() {
    RingCursor cursor = cursor();
    write(8, 1);
    long busyAt = producerPosition();
    write(8 | BUSY, 2);
    write(8, 3);

    assertThat(cursor.poll(take, 10)).isEqualTo(1);
    assertThat(consumerPosition()).isEqualTo(busyAt);
    put(busyAt, 8);
    assertThat(cursor.poll(take, 10)).isEqualTo(2);
    assertThat(taken).containsExactly(1L, 2L, 3L);
  }

  @Test
  void discardedRecordsAreFreedButNotDelivered() {
    RingCursor cursor = cursor();
    write(8 | DISCARD, 1);
    write(8, 2);
    write(8 | DISCARD, 3);

    assertThat(cursor.poll(take, 10)).isEqualTo(1);
    assertThat(taken).containsExactly(2L);
    assertThat(cursor.backlogBytes()).isZero();
  }

  @Test
  void noMoreThanWantedIsDelivered() {
    RingCursor cursor = cursor();
    write(8, 1);
    write(8, 2);

    assertThat(cursor.poll(take, 1)).isEqualTo(1);
    assertThat(cursor.backlogBytes()).isEqualTo(16);
    assertThat(cursor.poll(take, 0)).isZero();
  }

  @Test
  void aThrowingConsumerDoesNotWedgeTheRing() {
    RingCursor cursor = cursor();
    write(8, 1);
    write(8, 2);
    write(8, 3);
    RecordConsumer failing =
        (data, offset, length) -> {
          if (data.getLong(offset) == 2) {
            throw new ArithmeticException("on purpose");
          }
          take.accept(data, offset, length);
        };

    assertThatThrownBy(() -> cursor.poll(failing, 10)).isInstanceOf(ArithmeticException.class);
    assertThat(consumerPosition()).isEqualTo(32);
    assertThat(cursor.poll(failing, 10)).isEqualTo(1);
    assertThat(taken).containsExactly(1L, 3L);
  }

  @Test
  void roomIsGivenBackWhileABatchIsStillBeingRead() {
    RingCursor cursor = cursor();
    for (int i = 0; i < 200; i++) {
      write(8, i);
    }
    List<Long> positions = new ArrayList<>();

    cursor.poll((data, offset, length) -> positions.add(consumerPosition()), 200);

    assertThat(positions.get(63)).isZero();
    assertThat(positions.get(64)).isEqualTo(64L * 16);
    assertThat(positions.get(199)).isEqualTo(192L * 16);
    assertThat(consumerPosition()).isEqualTo(200L * 16);
  }

  @Test
  void aLengthBeyondTheRingIsTornAndSkipsToTheProducer() {
    RingCursor cursor = cursor();
    write(8, 1);
    put(producerPosition(), CAPACITY);
    producerPage.set(ValueLayout.JAVA_LONG, 0, producerPosition() + 64);

    assertThat(cursor.poll(take, 10)).isEqualTo(1);
    assertThat(cursor.tornRecords()).isEqualTo(1);
    assertThat(cursor.backlogBytes()).isZero();
    write(8, 2);
    assertThat(cursor.poll(take, 10)).isEqualTo(1);
    assertThat(taken).containsExactly(1L, 2L);
  }

  @Test
  void aLengthBeyondTheProducerIsTorn() {
    RingCursor cursor = cursor();
    put(0, 64);
    producerPage.set(ValueLayout.JAVA_LONG, 0, 64);

    assertThat(cursor.poll(take, 10)).isZero();
    assertThat(cursor.tornRecords()).isEqualTo(1);
    assertThat(taken).isEmpty();
  }

  @Test
  void noContentMakesTheWalkLoopOrLeaveTheRing() {
    Random random = new Random(13);
    for (int round = 0; round < 2_000; round++) {
      long producer = consumerPosition() + 8L * random.nextInt(CAPACITY / 8 + 1);
      for (int at = 0; at < CAPACITY; at += 8) {
        put(at, random.nextInt() >>> random.nextInt(32));
      }
      producerPage.set(ValueLayout.JAVA_LONG, 0, producer);
      RecordConsumer inside =
          (data, offset, length) -> assertThat(offset + length).isBetween(0, data.limit());
      assertThat(cursor().poll(inside, CAPACITY)).isLessThan(CAPACITY / 8 + 1);
      assertThat(consumerPosition()).isLessThanOrEqualTo(producer);
      consumerPage.set(ValueLayout.JAVA_LONG, 0, producer);
    }
  }

  @Test
  void aNewCursorGoesOnWhereTheLastOneStopped() {
    write(8, 1);
    write(8, 2);
    cursor().poll(take, 1);

    assertThat(cursor().poll(take, 10)).isEqualTo(1);
    assertThat(taken).containsExactly(1L, 2L);
  }
}
