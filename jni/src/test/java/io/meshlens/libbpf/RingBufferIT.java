// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

@RequiresBpf
class RingBufferIT {
  private static final int EVENTS = 10_007;
  private static final int RECORD_BYTES = 24;

  private final List<Long> taken = new ArrayList<>();
  private final RecordConsumer take =
      (data, offset, length) -> {
        assertThat(length).isEqualTo(16);
        assertThat(data.getLong(offset + 8)).isEqualTo(data.getLong(offset));
        taken.add(data.getLong(offset));
      };

  private static List<Long> sequence(long from, long to) {
    return LongStream.range(from, to).boxed().toList();
  }

  @Test
  void eachRecordIsReceivedOnceAndInOrderAcrossManyWraps() {
    try (BpfObject object = Exercise.loaded(4096);
        BpfMap records = object.map("records");
        RingBuffer ring = RingBuffer.map(records)) {
      for (int first = 0; first < EVENTS; first += 101) {
        Exercise.produce(object, first, Math.min(101, EVENTS - first), 0);
        while (ring.poll(take, 17) > 0) {
          assertThat(ring.backlogBytes()).isNotNegative();
        }
      }

      assertThat(taken).isEqualTo(sequence(0, EVENTS));
      assertThat(Exercise.counted(object, 0)).isZero();
      assertThat(ring.tornRecords()).isZero();
      assertThat(ring.backlogBytes()).isZero();
      assertThat(ring.capacityBytes()).isEqualTo(4096);
    }
  }

  @Test
  void recordsProducedWhileTheyAreReadAreReceivedOnceAndInOrder() throws InterruptedException {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    try (BpfObject object = Exercise.loaded();
        BpfMap records = object.map("records");
        RingBuffer ring = RingBuffer.map(records)) {
      Thread producer =
          Thread.ofPlatform()
              .uncaughtExceptionHandler((thread, e) -> failure.set(e))
              .start(() -> Exercise.produce(object, 0, EVENTS, 0));
      while (taken.size() < EVENTS && ring.await(5_000)) {
        ring.poll(take, 1_000);
      }
      producer.join();

      assertThat(failure).hasNullValue();
      assertThat(taken).isEqualTo(sequence(0, EVENTS));
    }
  }

  @Test
  void whatARingTooSmallDropsIsCountedAndTheRestReceived() {
    try (BpfObject object = Exercise.loaded(4096);
        BpfMap records = object.map("records");
        RingBuffer ring = RingBuffer.map(records)) {
      Exercise.produce(object, 0, EVENTS, 0);
      while (ring.poll(take, 1_000) > 0) {
        assertThat(ring.tornRecords()).isZero();
      }

      assertThat(taken).isEqualTo(sequence(0, taken.size()));
      assertThat(taken.size()).isBetween(100, 4096 / RECORD_BYTES);
      assertThat(taken.size() + Exercise.counted(object, 0)).isEqualTo(EVENTS);
    }
  }

  @Test
  void discardedRecordsArePassedOver() {
    try (BpfObject object = Exercise.loaded();
        BpfMap records = object.map("records");
        RingBuffer ring = RingBuffer.map(records)) {
      Exercise.produce(object, 0, 101, 3);

      assertThat(ring.poll(take, 1_000)).isEqualTo(67);
      assertThat(taken).noneMatch(sequence -> sequence % 3 == 0);
      assertThat(ring.backlogBytes()).isZero();
    }
  }

  @Test
  void aSecondConsumerIsRefusedUntilTheFirstIsClosed() {
    try (BpfObject object = Exercise.loaded();
        BpfMap records = object.map("records");
        BpfMap again = object.map("records")) {
      try (RingBuffer ring = RingBuffer.map(records)) {
        Exercise.produce(object, 0, 2, 0);
        assertThat(ring.poll(take, 1)).isEqualTo(1);
        assertThatThrownBy(() -> RingBuffer.map(again))
            .isInstanceOf(IllegalStateException.class)
            .hasMessage("ring records already has a consumer");
      }
      try (RingBuffer ring = RingBuffer.map(again)) {
        assertThat(ring.poll(take, 10)).isEqualTo(1);
      }
      assertThat(taken).containsExactly(0L, 1L);
    }
  }

  @Test
  void aSecondThreadAndAConsumerThatPollsAreRefused() throws InterruptedException {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    try (BpfObject object = Exercise.loaded();
        BpfMap records = object.map("records");
        RingBuffer ring = RingBuffer.map(records)) {
      ring.poll(take, 1);
      Thread other =
          Thread.ofPlatform()
              .uncaughtExceptionHandler((thread, e) -> failure.set(e))
              .start(() -> ring.poll(take, 1));
      other.join();
      assertThat(failure.get()).isInstanceOf(IllegalStateException.class);

      Exercise.produce(object, 0, 1, 0);
      assertThatThrownBy(() -> ring.poll((data, offset, length) -> ring.poll(take, 1), 1))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("own consumer");
    }
  }

  @Test
  void aThrowingConsumerDoesNotWedgeTheRing() {
    try (BpfObject object = Exercise.loaded(4096);
        BpfMap records = object.map("records");
        RingBuffer ring = RingBuffer.map(records)) {
      Exercise.produce(object, 0, 5, 0);
      assertThatThrownBy(
              () ->
                  ring.poll(
                      (data, offset, length) -> {
                        throw new ArithmeticException("on purpose");
                      },
                      5))
          .isInstanceOf(ArithmeticException.class);

      assertThat(ring.poll(take, 10)).isEqualTo(4);
      Exercise.produce(object, 5, 150, 0);
      assertThat(ring.poll(take, 1_000)).isEqualTo(150);
      assertThat(taken).isEqualTo(sequence(1, 155));
    }
  }

  @Test
  void theDataIsReadOnly() {
    try (BpfObject object = Exercise.loaded();
        BpfMap records = object.map("records");
        RingBuffer ring = RingBuffer.map(records)) {
      Exercise.produce(object, 0, 1, 0);
      assertThatThrownBy(() -> ring.poll((data, offset, length) -> data.putLong(offset, 0), 1))
          .isInstanceOf(ReadOnlyBufferException.class);
    }
  }

  @Test
  void useAfterCloseIsRefusedAndNeverReadsUnmappedMemory() {
    List<ByteBuffer> leaked = new ArrayList<>();
    try (BpfObject object = Exercise.loaded();
        BpfMap records = object.map("records")) {
      RingBuffer ring = RingBuffer.map(records);
      Exercise.produce(object, 0, 1, 0);
      ring.poll((data, offset, length) -> leaked.add(data), 1);
      ring.close();
      ring.close();

      assertThatThrownBy(() -> leaked.getFirst().getLong(8))
          .isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> ring.poll(take, 1)).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(ring::backlogBytes).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> ring.await(0)).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void waitingEndsWithARecordOrWithTheTime() {
    try (BpfObject object = Exercise.loaded();
        BpfMap records = object.map("records");
        RingBuffer ring = RingBuffer.map(records)) {
      assertThat(ring.await(1)).isFalse();
      Exercise.produce(object, 0, 1, 0);
      assertThat(ring.await(10_000)).isTrue();
    }
  }

  @Test
  void aMapThatIsNoRingIsRefused() {
    try (BpfObject object = Exercise.loaded();
        BpfMap hashed = object.map("hashed")) {
      assertThatThrownBy(() -> RingBuffer.map(hashed))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("map hashed is not a ring buffer");
    }
  }
}
