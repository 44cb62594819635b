// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.CodedInputStream;
import com.sun.net.httpserver.HttpHandler;
import io.meshlens.export.Receiver.Clients;
import io.meshlens.vitals.Durations;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.SelfMetric;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 90, unit = TimeUnit.SECONDS)
final class OtlpPushTest {
  private static final Duration INTERVAL = Duration.ofMillis(200);
  private static final String PROTOBUF = "application/x-protobuf";

  private final ByteArrayOutputStream said = new ByteArrayOutputStream();
  private final Vitals vitals = new Vitals();
  private final Durations durations = new Durations();
  private final List<String> outcomes = new CopyOnWriteArrayList<>();
  private final Map<String, Long> sums = new ConcurrentSkipListMap<>();
  private final List<Thread> threads = new ArrayList<>();
  private final List<OtlpPush> pushes = new ArrayList<>();
  @TempDir private Path directory;

  private OtlpPush start(OtlpConfig config) {
    durations.bind(
        SelfMetric.OTLP_EXPORT_DURATION, (seconds, values) -> outcomes.add(values.getFirst()));
    Log log = new Log(new PrintStream(said, true, UTF_8), Log.Level.INFO, InstantSource.system());
    OtlpPush push = new OtlpPush(config, System::nanoTime, durations, vitals, log);
    SdkMeterProvider.builder()
        .registerMetricReader(push)
        .build()
        .get("test")
        .counterBuilder("sums")
        .buildWithCallback(
            m ->
                sums.forEach(
                    (name, value) ->
                        m.record(value, Attributes.builder().put("name", name).build())));
    pushes.add(push);
    threads.add(Thread.ofPlatform().start(push));
    return push;
  }

  private static OtlpConfig every(Duration interval, Receiver receiver) {
    return receiver.every(interval, TlsFiles.NONE);
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    while (!condition.getAsBoolean()) {
      Thread.sleep(10);
    }
  }

  @AfterEach
  void end() throws InterruptedException {
    pushes.forEach(push -> push.end(Duration.ofMillis(100)));
    for (Thread thread : threads) {
      thread.join();
    }
  }

  /** Every text in a protobuf message that has the shape of a name and, after it, a number. */
  private static Map<String, Long> sumsIn(byte[] request) throws IOException {
    Map<String, Long> found = new TreeMap<>();
    for (byte[] resource : fields(request, 1)) {
      for (byte[] scope : fields(resource, 2)) {
        for (byte[] metric : fields(scope, 2)) {
          for (byte[] sum : fields(metric, 7)) {
            for (byte[] point : fields(sum, 1)) {
              byte[] attribute = fields(point, 7).getFirst();
              String name =
                  new String(fields(fields(attribute, 2).getFirst(), 1).getFirst(), UTF_8);
              found.put(name, fixed64(point, 6));
            }
          }
        }
      }
    }
    return found;
  }

  private static List<byte[]> fields(byte[] message, int number) throws IOException {
    List<byte[]> found = new ArrayList<>();
    CodedInputStream in = CodedInputStream.newInstance(message);
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      if (tag == (number << 3 | 2)) {
        found.add(in.readByteArray());
      } else {
        in.skipField(tag);
      }
    }
    return found;
  }

  private static long fixed64(byte[] message, int number) throws IOException {
    CodedInputStream in = CodedInputStream.newInstance(message);
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      if (tag == (number << 3 | 1)) {
        return in.readFixed64();
      }
      in.skipField(tag);
    }
    throw new AssertionError("no field " + number);
  }

  @Test
  void sumsArriveAndEachPushIsCounted() throws Exception {
    sums.put("a", Long.MAX_VALUE - 1);
    try (Receiver receiver = Receiver.http(Receiver.answering(200, PROTOBUF, new byte[0]))) {
      start(every(INTERVAL, receiver));
      await(() -> vitals.get(Vital.OTLP_EXPORTS_SUCCEEDED) >= 2);

      assertThat(sumsIn(receiver.request(0))).isEqualTo(Map.of("a", Long.MAX_VALUE - 1));
      assertThat(outcomes).startsWith("succeeded", "succeeded");
    }
  }

  @Test
  void receiverThatIsBusyIsAskedAgainWithinThePush() throws Exception {
    sums.put("a", 7L);
    AtomicInteger asked = new AtomicInteger();
    HttpHandler busyTwice =
        exchange ->
            Receiver.answer(
                exchange,
                asked.incrementAndGet() <= 2 ? 503 : 200,
                PROTOBUF,
                new byte[0],
                "Retry-After",
                "0");
    try (Receiver receiver = Receiver.http(busyTwice)) {
      start(every(Duration.ofSeconds(10), receiver)).end(Duration.ofSeconds(30));
      threads.getFirst().join();

      assertThat(receiver.count()).isEqualTo(3);
      assertThat(vitals.get(Vital.OTLP_RETRIES)).isEqualTo(2);
      assertThat(vitals.get(Vital.OTLP_EXPORTS_SUCCEEDED)).isEqualTo(1);
      assertThat(vitals.get(Vital.OTLP_FAILED_UNAVAILABLE)).isZero();
    }
  }

  @Test
  void receiverThatWantsALongRestGetsIt() throws Exception {
    try (Receiver receiver =
        Receiver.http(Receiver.answering(503, PROTOBUF, new byte[0], "Retry-After", "3600"))) {
      sums.put("a", 7L);
      start(every(Duration.ofSeconds(1), receiver));
      await(() -> vitals.get(Vital.OTLP_FAILED_UNAVAILABLE) == 1);
      Thread.sleep(Duration.ofSeconds(3));

      assertThat(receiver.count()).isEqualTo(1);
    }
  }

  @Test
  void partialSuccessIsCountedSaidAndNotSentAgain() throws Exception {
    byte[] partial = HexFormat.of().parseHex("0a0608071202" + "6e6f");
    AtomicInteger asked = new AtomicInteger();
    sums.put("a", 7L);
    try (Receiver receiver =
        Receiver.http(
            exchange ->
                Receiver.answer(
                    exchange,
                    200,
                    PROTOBUF,
                    asked.getAndIncrement() == 0 ? partial : new byte[0]))) {
      start(every(Duration.ofSeconds(2), receiver));
      await(() -> vitals.get(Vital.OTLP_EXPORTS_SUCCEEDED) >= 2);

      assertThat(vitals.get(Vital.OTLP_POINTS_REJECTED)).isEqualTo(7);
      assertThat(vitals.get(Vital.OTLP_RETRIES)).isZero();
      assertThat(said.toString(UTF_8)).contains("rejected 7 points: no");
    }
  }

  @Test
  void lastValueOfASeriesThatGoesWhileTheReceiverIsAwayArrivesAfterwards() throws Exception {
    AtomicInteger status = new AtomicInteger(400);
    sums.put("goes", 5L);
    sums.put("stays", 1L);
    try (Receiver receiver =
        Receiver.http(exchange -> Receiver.answer(exchange, status.get(), PROTOBUF, new byte[0]))) {
      OtlpPush push = start(every(INTERVAL, receiver));
      await(() -> vitals.get(Vital.OTLP_FAILED_REFUSED) >= 1);
      sums.remove("goes");
      await(() -> push.waitingPoints() == 1);
      int failed = receiver.count();
      status.set(200);
      await(() -> vitals.get(Vital.OTLP_EXPORTS_SUCCEEDED) >= 2);

      List<Map<String, Long>> later = new ArrayList<>();
      for (int i = failed; i < receiver.count(); i++) {
        later.add(sumsIn(receiver.request(i)));
      }
      assertThat(later).contains(Map.of("goes", 5L, "stays", 1L));
      assertThat(later.getLast()).isEqualTo(Map.of("stays", 1L));
      assertThat(push.waitingPoints()).isZero();
    }
  }

  @Test
  void receiverThatHungGetsEverythingWhenItIsBack() throws Exception {
    CountDownLatch back = new CountDownLatch(1);
    sums.put("a", 1L);
    HttpHandler hanging =
        exchange -> {
          if (back.getCount() > 0) {
            pause(Duration.ofSeconds(60), back);
            exchange.close();
          } else {
            Receiver.answer(exchange, 200, PROTOBUF, new byte[0]);
          }
        };
    try (Receiver receiver = Receiver.http(hanging)) {
      start(every(Duration.ofMillis(500), receiver));
      await(() -> vitals.get(Vital.OTLP_FAILED_TIMEOUT) >= 3);
      sums.put("a", 1000L);
      back.countDown();
      // The first may be the same request again that was under way.
      await(() -> vitals.get(Vital.OTLP_EXPORTS_SUCCEEDED) >= 2);

      assertThat(sumsIn(receiver.request(receiver.count() - 1))).isEqualTo(Map.of("a", 1000L));
      assertThat(said.toString(UTF_8)).contains("accepts metrics again");
    }
  }

  private static void pause(Duration longest, CountDownLatch until) {
    try {
      boolean _ = until.await(longest.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void manySeriesGoInSeveralRequests() throws Exception {
    for (int i = 0; i < 1200; i++) {
      // Long enough that points would fit, and bytes do not.
      sums.put("%05d".formatted(i) + "x".repeat(3000), (long) i);
    }
    try (Receiver receiver = Receiver.http(Receiver.answering(200, PROTOBUF, new byte[0]))) {
      start(every(Duration.ofSeconds(60), receiver)).end(Duration.ofSeconds(60));
      threads.getFirst().join();

      assertThat(receiver.count()).isGreaterThan(1);
      Map<String, Long> all = new TreeMap<>();
      for (int i = 0; i < receiver.count(); i++) {
        assertThat(receiver.request(i)).hasSizeLessThan(4 << 20);
        all.putAll(sumsIn(receiver.request(i)));
      }
      assertThat(all).isEqualTo(sums);
    }
  }

  @Test
  void lastPushIsGivenUpInTimeWhenTheReceiverHangs() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    sums.put("a", 1L);
    try (Receiver receiver = Receiver.http(exchange -> pause(Duration.ofSeconds(60), never))) {
      OtlpPush push = start(every(Duration.ofMinutes(5), receiver));
      push.end(Duration.ofMillis(500));

      assertThat(threads.getFirst().join(Duration.ofSeconds(30))).isTrue();
      assertThat(vitals.get(Vital.OTLP_FAILED_TIMEOUT)).isEqualTo(1);
      never.countDown();
    }
  }

  @Test
  void certificatesThatChangeAreTakenUpAndBadOnesAreNot() throws Exception {
    Certificates made = Certificates.in(directory.resolve("ca")).issue("server").issue("client");
    Certificates others = Certificates.in(directory.resolve("other")).issue("client");
    Path chain = Files.copy(others.file("client.crt"), directory.resolve("tls.crt"));
    Path key = Files.copy(others.file("client.key"), directory.resolve("tls.key"));
    TlsFiles files =
        new TlsFiles(
            made.authorityOnly().authorities(),
            java.util.Optional.of(chain),
            java.util.Optional.of(key));
    sums.put("a", 1L);
    try (Receiver receiver =
        Receiver.https(
            made.files("server"),
            Clients.WITH_CERTIFICATE,
            Receiver.answering(200, PROTOBUF, new byte[0]))) {
      start(receiver.every(Duration.ofSeconds(1), files));
      await(() -> outcomes.size() >= 1);
      assertThat(receiver.count()).isZero();
      Files.copy(made.file("client.crt"), chain, StandardCopyOption.REPLACE_EXISTING);
      Files.copy(made.file("client.key"), key, StandardCopyOption.REPLACE_EXISTING);
      await(() -> vitals.get(Vital.OTLP_EXPORTS_SUCCEEDED) >= 1);
      assertThat(vitals.get(Vital.OTLP_TLS_RELOADED)).isPositive();

      Files.writeString(key, "half a file");
      await(() -> vitals.get(Vital.OTLP_TLS_RELOAD_FAILED) >= 1);
      long before = vitals.get(Vital.OTLP_EXPORTS_SUCCEEDED);
      await(() -> vitals.get(Vital.OTLP_EXPORTS_SUCCEEDED) > before);
      assertThat(said.toString(UTF_8)).contains("cannot be used; those before stay");
    }
  }
}
