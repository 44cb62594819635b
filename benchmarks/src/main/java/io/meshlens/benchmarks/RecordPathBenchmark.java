// SPDX-License-Identifier: Apache-2.0
package io.meshlens.benchmarks;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.accesslog.JsonFormat;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionSink;
import io.meshlens.flow.Identities;
import io.meshlens.kernel.ConnectionReader;
import io.meshlens.kernel.MonoClock;
import io.meshlens.metrics.AttributeRules;
import io.meshlens.metrics.ConnectionDurations;
import io.meshlens.metrics.Detail;
import io.meshlens.metrics.MetricsConfig;
import io.meshlens.metrics.Profile;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What one connection costs between the mapped ring and the chunk of log lines: reading the wire
 * record, formatting its line, and both. With {@code -prof gc} each must show an allocation rate of
 * (about) 0 B/op.
 *
 * <p>The JVM's options are those of the launcher, because a small code cache and the serial
 * collector are part of what is measured.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 3,
    jvmArgsAppend = {"-XX:+UseSerialGC", "-Xms16m", "-Xmx64m", "-XX:ReservedCodeCacheSize=48m"})
public class RecordPathBenchmark {
  private static final String BOOT_ID = "1f0c2a9b-3d4e-4f50-8a6b-7c8d9e0fa1b2";
  private static final int CHUNK_BYTES = 64 * 1024;

  private final RecordedRing ring = new RecordedRing();
  private final Vitals vitals = new Vitals();
  private final Seen seen = new Seen();
  private final Lines lines = new Lines();
  private final ConnectionReader decoding =
      new ConnectionReader(List.of(seen), c -> {}, MonoClock.system(), vitals);
  private final ConnectionReader formatting =
      new ConnectionReader(List.of(lines), c -> {}, MonoClock.system(), vitals);
  private final Connection[] connections = new Connection[RecordedRing.RECORDS];
  private final ConnectionDurations durations =
      new ConnectionDurations(
          new MetricsConfig(
              Profile.OTEL, Optional.empty(), AttributeRules.NONE, 10_000, Duration.ofHours(1)),
          Detail.ADDRESS,
          Identities.NONE,
          vitals);
  private int next;

  /** Looks at the filled connection, so that filling it cannot be left out. */
  private static final class Seen implements ConnectionSink {
    long bytes;
    Connection last = new Connection();

    @Override
    public void accept(Connection connection) {
      bytes += connection.bytesSent;
      last = connection;
    }

    @Override
    public void endBatch() {}
  }

  /** Formats into one chunk over and over, as the log does into its chunks. */
  private static final class Lines implements ConnectionSink {
    private final JsonFormat format = new JsonFormat(new ConnectionIds(BOOT_ID));
    private final byte[] chunk = new byte[CHUNK_BYTES];
    int end;

    @Override
    public void accept(Connection connection) {
      if (end > CHUNK_BYTES - JsonFormat.MAX_LINE_BYTES) {
        end = 0;
      }
      end = format.write(connection, chunk, end);
    }

    @Override
    public void endBatch() {}

    String text() {
      return new String(chunk, 0, end, US_ASCII);
    }
  }

  /** Decodes every record once, and refuses to measure what is not decoded or formatted right. */
  @Setup
  public void decodeAll() {
    for (int i = 0; i < connections.length; i++) {
      decoding.accept(ring.data(), ring.offset(i));
      connections[i] = seen.last.copy();
    }
    long lost = vitals.get(Vital.RECORDS_LOST_TORN) + vitals.get(Vital.RECORDS_LOST_UNKNOWN_KIND);
    lines.accept(connections[0]);
    String line = lines.text();
    String expected = "\"destination\":{\"address\":\"127.0.0.1\",\"port\":8080}";
    if (lost != 0 || !line.contains(expected) || !line.contains("\"termination\":\"fin_remote\"")) {
      throw new IllegalStateException(lost + " records refused; first line: " + line);
    }
  }

  /** Wire record to {@link Connection}. */
  @Benchmark
  public long decode() {
    decoding.accept(ring.data(), ring.offset(next++));
    return seen.bytes;
  }

  /** {@link Connection} to a JSON line in a chunk. */
  @Benchmark
  public int format() {
    lines.accept(connections[next++ & (connections.length - 1)]);
    return lines.end;
  }

  /** {@link Connection} to the histograms of its ends. */
  @Benchmark
  public void histograms() {
    durations.accept(connections[next++ & (connections.length - 1)]);
  }

  /** Wire record to JSON line. */
  @Benchmark
  public int decodeAndFormat() {
    formatting.accept(ring.data(), ring.offset(next++));
    return lines.end;
  }
}
