// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.flow.Connection;
import io.meshlens.spool.Batch;
import io.meshlens.spool.MemorySpool;
import io.meshlens.spool.Overflow;
import io.meshlens.spool.Spool;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * The engine between a queue and a receiver; the receiver is a fake, the real ones are in
 * DeliveryIT.
 */
final class DeliveryTest {
  private final Vitals vitals = new Vitals();
  private final Log log =
      new Log(
          new PrintStream(new ByteArrayOutputStream(), true, UTF_8),
          Log.Level.DEBUG,
          InstantSource.system());
  private final List<Long> delivered = new ArrayList<>();

  /** Cookies of connections, one after the other. */
  private static final class Cookies implements BatchEncoder {
    private final ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
    private int records;

    @Override
    public void add(Connection connection) {
      buffer.putLong(connection.socketCookie);
      records++;
    }

    @Override
    public int records() {
      return records;
    }

    @Override
    public int sizeBytes() {
      return buffer.position();
    }

    @Override
    public Batch finish() {
      byte[] message = new byte[buffer.position()];
      buffer.flip().get(message);
      buffer.clear();
      Batch batch = new Batch(message, records);
      records = 0;
      return batch;
    }
  }

  /** Fails a given number of times after having taken a batch. */
  private class Receiver implements Carrier {
    private int failures;
    private final long rejected;

    Receiver(int failures, long rejected) {
      this.failures = failures;
      this.rejected = rejected;
    }

    @Override
    public Outcome carry(Spool spool) throws InterruptedException {
      Batch batch = spool.take(Duration.ZERO);
      if (batch == null) {
        return new Outcome.Delivered(0);
      }
      if (failures-- > 0) {
        return new Outcome.Failed(Vital.ALS_STREAMS_FAILED, "wanted", Duration.ofMillis(1));
      }
      ByteBuffer message = ByteBuffer.wrap(batch.message());
      while (message.hasRemaining()) {
        delivered.add(message.getLong());
      }
      return new Outcome.Delivered(rejected);
    }

    @Override
    public void end() {}

    @Override
    public String target() {
      return "the test";
    }

    @Override
    public void close() {}
  }

  private Delivery delivery(int queueSize, int batchRecords, long memoryBytes, Carrier receiver) {
    return new Delivery(
        new DeliveryConfig(queueSize, batchRecords, 1 << 16, Duration.ofMillis(10)),
        DeliveryVitals.ALS,
        new Cookies(),
        new MemorySpool(
            memoryBytes,
            Overflow.DROP_OLDEST,
            new SpoolLosses(DeliveryVitals.ALS, "the test", vitals, log)),
        receiver,
        System::nanoTime,
        vitals,
        log);
  }

  private static void give(Delivery delivery, long from, long to) {
    Connection connection = new Connection();
    for (long cookie = from; cookie < to; cookie++) {
      connection.socketCookie = cookie;
      delivery.accept(connection);
    }
    delivery.endBatch();
  }

  private static List<Long> numbers(long from, long to) {
    return LongStream.range(from, to).boxed().toList();
  }

  @Test
  void connectionsAreDeliveredInOrderAndOnceAlsoAfterFailures() throws Exception {
    Delivery delivery = delivery(10_000, 7, 1 << 20, new Receiver(3, 0));
    Thread writer = Thread.ofPlatform().start(delivery::write);
    Thread sender = Thread.ofPlatform().start(delivery::send);
    give(delivery, 0, 1000);
    delivery.end();
    writer.join();
    sender.join();

    assertThat(delivered).isEqualTo(numbers(0, 1000));
    assertThat(vitals.get(Vital.ALS_ENTRIES_DELIVERED)).isEqualTo(1000);
    assertThat(vitals.get(Vital.ALS_STREAMS_FAILED)).isEqualTo(3);
    assertThat(vitals.get(Vital.ALS_ENTRIES_RESENT)).isEqualTo(21);
    assertThat(delivery.safe()).isEqualTo(delivery.given()).isEqualTo(1000);
  }

  @Test
  void anErrorOfOurOwnInADeliveryIsAFailureThatIsRepeated() throws Exception {
    AtomicInteger attempts = new AtomicInteger();
    Carrier faulty =
        new Receiver(0, 0) {
          @Override
          public Outcome carry(Spool spool) throws InterruptedException {
            if (attempts.getAndIncrement() == 0) {
              spool.take(Duration.ZERO);
              throw new IllegalStateException("wanted");
            }
            return super.carry(spool);
          }
        };
    Delivery delivery = delivery(1000, 7, 1 << 20, faulty);
    give(delivery, 0, 131);
    delivery.end();
    delivery.write();
    delivery.send();

    assertThat(delivered).isEqualTo(numbers(0, 131));
    assertThat(vitals.get(Vital.ALS_STREAMS_FAILED)).isEqualTo(1);
  }

  @Test
  void aFullQueueLosesTheNewestAndCountsThem() throws Exception {
    Delivery delivery = delivery(100, 7, 1 << 20, new Receiver(0, 0));
    give(delivery, 0, 130);
    assertThat(delivery.queued()).isEqualTo(100);
    assertThat(delivery.room()).isZero();
    delivery.end();
    delivery.write();
    delivery.send();

    assertThat(delivered).isEqualTo(numbers(0, 100));
    assertThat(vitals.get(Vital.ALS_ENTRIES_LOST_QUEUE_FULL)).isEqualTo(30);
  }

  @Test
  void whatMemoryCannotHoldIsDroppedOldestFirstAndCounted() throws Exception {
    // A batch of ten takes 80 bytes and its overhead of 64.
    Delivery delivery = delivery(1000, 10, 5 * 144, new Receiver(0, 0));
    give(delivery, 0, 200);
    delivery.end();
    delivery.write();
    delivery.send();

    assertThat(delivered).isEqualTo(numbers(150, 200));
    assertThat(vitals.get(Vital.ALS_ENTRIES_LOST_OLDEST)).isEqualTo(150);
    assertThat(vitals.get(Vital.ALS_ENTRIES_DELIVERED)).isEqualTo(50);
  }

  @Test
  void whatTheReceiverRejectsIsLostAndNotDelivered() throws Exception {
    Delivery delivery = delivery(1000, 10, 1 << 20, new Receiver(0, 2));
    give(delivery, 0, 100);
    delivery.end();
    delivery.write();
    delivery.send();

    assertThat(vitals.get(Vital.ALS_ENTRIES_DELIVERED)).isEqualTo(80);
    assertThat(vitals.get(Vital.ALS_ENTRIES_LOST_REJECTED)).isEqualTo(20);
  }

  @Test
  void whatIsLeftAtTheDeadlineIsCounted() throws Exception {
    Delivery delivery = delivery(1000, 10, 1 << 20, new Receiver(Integer.MAX_VALUE, 0));
    Thread sender = Thread.ofPlatform().start(delivery::send);
    give(delivery, 0, 95);
    delivery.end();
    delivery.write();
    sender.interrupt();
    sender.join();

    assertThat(delivered).isEmpty();
    assertThat(vitals.get(Vital.ALS_ENTRIES_LOST_SHUTDOWN)).isEqualTo(95);
    assertThat(delivery.waiting()).isZero();
  }
}
