// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpHandler;
import io.meshlens.export.Carrier.Outcome;
import io.meshlens.spool.Batch;
import io.meshlens.spool.MemorySpool;
import io.meshlens.spool.Overflow;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What becomes of a batch by what a receiver answers. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
final class OtlpLogExporterTest {
  private static final String PROTOBUF = "application/x-protobuf";
  private static final byte[] PARTIAL = HexFormat.of().parseHex("0a0608071202" + "6e6f");

  private final ByteArrayOutputStream said = new ByteArrayOutputStream();
  private final Vitals vitals = new Vitals();
  private final Log log =
      new Log(new PrintStream(said, true, UTF_8), Log.Level.INFO, InstantSource.system());

  private OtlpLogExporter exporter(Receiver receiver) {
    return new OtlpLogExporter(
        new OtlpConnection(receiver.reached(), OtlpSignal.LOGS, System::nanoTime, vitals, log), 64);
  }

  private MemorySpool spool() {
    MemorySpool spool =
        new MemorySpool(
            1 << 20,
            Overflow.DROP_OLDEST,
            new SpoolLosses(DeliveryVitals.OTLP, "the test", vitals, log));
    spool.append(new Batch("a batch".getBytes(US_ASCII), 9));
    return spool;
  }

  private Outcome outcome(HttpHandler handler) throws Exception {
    try (Receiver receiver = Receiver.http(handler);
        OtlpLogExporter exporter = exporter(receiver);
        MemorySpool spool = spool()) {
      return exporter.carry(spool);
    }
  }

  @Test
  void recordsThatAreRejectedAreToldWithTheReceiversWords() throws Exception {
    assertThat(outcome(Receiver.answering(200, PROTOBUF, PARTIAL)))
        .isEqualTo(new Outcome.Delivered(7));
    assertThat(said.toString(UTF_8)).contains("rejected 7 log records: no");
  }

  @ParameterizedTest
  @CsvSource({"400", "413"})
  void whatIsInvalidIsRefusedForGood(int status) throws Exception {
    byte[] why = "no such field".getBytes(US_ASCII);

    assertThat(outcome(Receiver.answering(status, "text/plain", why)))
        .isEqualTo(new Outcome.Refused("HTTP status " + status + ": no such field"));
  }

  @ParameterizedTest
  @CsvSource({
    "429, OTLP_LOGS_FAILED_UNAVAILABLE",
    "503, OTLP_LOGS_FAILED_UNAVAILABLE",
    "401, OTLP_LOGS_FAILED_REFUSED",
    "404, OTLP_LOGS_FAILED_REFUSED"
  })
  void otherFailuresAreCountedByCauseAndTriedAgainWhenTheReceiverWants(int status, Vital counter)
      throws Exception {
    Outcome outcome =
        outcome(Receiver.answering(status, "text/plain", new byte[0], "Retry-After", "86400"));

    assertThat(outcome)
        .isEqualTo(new Outcome.Failed(counter, "HTTP status " + status, Duration.ofMinutes(5)));
  }

  @Test
  void pausesDoubleWhileTheReceiverHasEnough() throws Exception {
    try (Receiver receiver =
            Receiver.grpc(
                (request, answers) ->
                    answers.onError(io.grpc.Status.RESOURCE_EXHAUSTED.asRuntimeException()));
        OtlpLogExporter exporter = exporter(receiver);
        MemorySpool spool = spool()) {
      for (long middleMillis : new long[] {200, 400, 800, 1600}) {
        Outcome.Failed failed = (Outcome.Failed) exporter.carry(spool);
        spool.again();
        assertThat(failed.counter()).isEqualTo(Vital.OTLP_LOGS_FAILED_REFUSED);
        assertThat(failed.pause().toMillis())
            .isBetween(middleMillis * 4 / 5 - 1, middleMillis * 6 / 5);
      }
      assertThat(spool.records()).isEqualTo(9);
    }
  }

  @Test
  void threadThatIsToldToEndLeavesARequestThatHangs() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    CountDownLatch asked = new CountDownLatch(1);
    try (Receiver receiver =
            Receiver.http(
                exchange -> {
                  asked.countDown();
                  try {
                    boolean _ = never.await(50, TimeUnit.SECONDS);
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                });
        OtlpLogExporter exporter = exporter(receiver);
        MemorySpool spool = spool()) {
      Thread sender =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      exporter.carry(spool);
                    } catch (InterruptedException e) {
                      spool.again();
                    }
                  });
      asked.await();
      sender.interrupt();

      assertThat(sender.join(Duration.ofSeconds(10))).isTrue();
      assertThat(spool.records()).isEqualTo(9);
      never.countDown();
    }
  }
}
