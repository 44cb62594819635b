// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import com.google.common.base.Splitter;
import io.meshlens.export.OtlpConfig.Temporality;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Identities;
import io.meshlens.flow.Sum;
import io.meshlens.flow.SumsRow;
import io.meshlens.flow.SumsSink;
import io.meshlens.metrics.AttributeRules;
import io.meshlens.metrics.MeshMetrics;
import io.meshlens.metrics.MetricsConfig;
import io.meshlens.metrics.Profile;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vitals;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.sdk.resources.Resource;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * What one collection and push of many address pairs costs this process: from rows as the kernel's
 * map holds them to bytes that a receiver in another process has taken.
 *
 * <p>Each pair is live: it has open connections and its numbers grow between pushes. Every second
 * one also has connections that are over, every tenth has retransmitted.
 */
final class PushCost {
  private PushCost() {}

  /** Rows of so many pairs, further along at each reading. */
  private record Pairs(int count, AtomicLong readings) {
    void read(SumsSink sink) {
      long n = readings.incrementAndGet();
      SumsRow row = new SumsRow();
      row.direction = Direction.OUTBOUND;
      row.serverPort = 8080;
      for (int i = 0; i < count; i++) {
        row.clientLow = 0x0000_ffff_0a01_0000L + i / 50;
        row.serverLow = 0x0000_ffff_0a64_0000L + i % 50;
        row.set(Sum.CONNECTIONS_OPENED, n + 3);
        row.set(Sum.CONNECTIONS_CLOSED, i % 2 == 0 ? n : 0);
        row.set(Sum.BYTES_SENT, n * 1_000 + i);
        row.set(Sum.BYTES_RECEIVED, n * 100_000 + i);
        row.set(Sum.PACKETS_SENT, n * 10);
        row.set(Sum.PACKETS_RECEIVED, n * 70);
        row.set(Sum.RETRANSMITS, i % 10 == 0 ? n : 0);
        sink.row(row);
      }
    }
  }

  /**
   * Processor time of all threads of this process by the kernel's scheduler, which is exact to the
   * nanosecond where {@code OperatingSystemMXBean} counts steps of ten milliseconds.
   */
  private static long cpuNs() throws IOException {
    long total = 0;
    try (DirectoryStream<Path> threads = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
      for (Path thread : threads) {
        String times = Files.readString(thread.resolve("schedstat"));
        total += Long.parseLong(times.substring(0, times.indexOf(' ')));
      }
    }
    return total;
  }

  private static long usedAfterCollection() {
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  /** Arguments: pairs, pushes, {@code http} or {@code grpc}, a temporality. */
  public static void main(String[] arguments) throws Exception {
    int pairs = Integer.parseInt(arguments[0]);
    int pushes = Integer.parseInt(arguments[1]);
    boolean http = arguments[2].equals("http");
    Temporality temporality =
        Stream.of(Temporality.values())
            .filter(t -> t.label().equals(arguments[3]))
            .findFirst()
            .orElseThrow();
    Process receiver =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                DiscardingReceiver.class.getName())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader ports =
        new BufferedReader(
            new InputStreamReader(receiver.getInputStream(), StandardCharsets.UTF_8))) {
      String line = Objects.requireNonNull(ports.readLine(), "the receiver's ports");
      List<String> both = Splitter.on(' ').splitToList(line);
      OtlpConfig config =
          new OtlpConfig(
              new OtlpReceiver(
                  URI.create("http://127.0.0.1:" + (http ? both.getFirst() : both.getLast())),
                  http ? OtlpReceiver.Protocol.HTTP_PROTOBUF : OtlpReceiver.Protocol.GRPC,
                  Duration.ofSeconds(60),
                  OtlpReceiver.Compression.NONE,
                  List.of(),
                  TlsFiles.NONE),
              Duration.ofSeconds(60),
              Duration.ofSeconds(60),
              temporality,
              OtlpConfig.Histograms.EXPONENTIAL);
      run(pairs, pushes, config, String.join(" ", arguments));
    } finally {
      receiver.destroy();
      receiver.waitFor();
    }
    System.exit(0);
  }

  private static void run(int pairs, int pushes, OtlpConfig config, String title) throws Exception {
    long before = usedAfterCollection();
    Vitals vitals = new Vitals();
    Log log = new Log(System.err, Log.Level.WARN, InstantSource.system());
    Pairs rows = new Pairs(pairs, new AtomicLong());
    MeshMetrics mesh =
        new MeshMetrics(
            new MetricsConfig(
                Profile.OTEL, Optional.empty(), AttributeRules.NONE, pairs, Duration.ofHours(1)),
            rows::read,
            Identities.NONE,
            Instant.now(),
            InstantSource.system(),
            System::nanoTime,
            vitals,
            log);
    MeshPush pushing =
        new MeshPush(
            mesh,
            Resource.create(Attributes.of(AttributeKey.stringKey("service.name"), "meshlens")),
            config,
            OtlpPush.MAX_REQUEST_BYTES);
    OtlpConnection connection =
        new OtlpConnection(config.receiver(), OtlpSignal.METRICS, System::nanoTime, vitals, log);
    List<Double> cpuMs = new ArrayList<>();
    for (int i = 0; i < pushes; i++) {
      long cpuNs = cpuNs();
      mesh.account();
      Optional<Answer.Failed> failure = pushing.push((request, points) -> connection.send(request));
      if (failure.isPresent()) {
        throw new IllegalStateException("push failed: " + failure.get());
      }
      cpuMs.add((cpuNs() - cpuNs) / 1e6);
    }
    connection.close();
    long kept = usedAfterCollection() - before;
    List<Double> warm = cpuMs.subList(cpuMs.size() / 2, cpuMs.size()).stream().sorted().toList();
    System.out.printf(
        "%s: first %.0f ms, later median %.1f ms (%.1f to %.1f) of processor time; %.1f MiB kept%n",
        title,
        cpuMs.getFirst(),
        warm.get(warm.size() / 2),
        warm.getFirst(),
        warm.getLast(),
        kept / 1048576.0);
  }
}
