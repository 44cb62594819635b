// SPDX-License-Identifier: Apache-2.0
package io.meshlens.benchmarks;

import io.meshlens.accesslog.ChoiceConfig;
import io.meshlens.accesslog.ChoiceVitals;
import io.meshlens.accesslog.ChosenRecords;
import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.accesslog.EventsConfig;
import io.meshlens.accesslog.LineFormat;
import io.meshlens.accesslog.LineStyle;
import io.meshlens.accesslog.PeriodicRounds;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionSink;
import io.meshlens.flow.Identity;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vitals;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What a line of each style costs, and what it costs to say whether a log gets a record. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"-XX:+UseSerialGC", "-Xms16m", "-Xmx64m", "-XX:ReservedCodeCacheSize=48m"})
public class AccessLogBenchmark {
  private static final ConnectionIds IDS = new ConnectionIds("1f0c2a9b");
  private static final String ISTIO =
      "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\""
          + " %RESPONSE_CODE% %RESPONSE_FLAGS% %CONNECTION_TERMINATION_DETAILS%"
          + " \"%UPSTREAM_TRANSPORT_FAILURE_REASON%\" %BYTES_RECEIVED% %BYTES_SENT% %DURATION%"
          + " \"%UPSTREAM_HOST%\" %UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS%"
          + " %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS%";

  /** A connection as most are, with names on both ends. */
  private static Connection connection() {
    Connection c = new Connection();
    c.socketCookie = 0x1d_4c00L;
    c.startMonoNs = 86_400_000_000_000L;
    c.establishedMonoNs = c.startMonoNs + 14_211;
    c.endMonoNs = c.startMonoNs + 612_345;
    c.endEpochNs = 1_795_221_953_123_456_789L;
    c.termination = io.meshlens.flow.Termination.FIN_REMOTE;
    c.localLow = 0xffff_0a01_0203L;
    c.remoteLow = 0xffff_0a01_0204L;
    c.localPort = 40_001;
    c.remotePort = 8080;
    c.bytesSent = 64;
    c.bytesReceived = 182;
    c.rttUs = 36;
    c.minRttUs = 12;
    c.pid = 4711;
    c.comm[0] = 'n';
    c.comm[1] = 'g';
    c.commLengthBytes = 2;
    c.source = Identity.builder().namespace("shop").workload("web", "Deployment").build();
    c.destination = Identity.builder().namespace("shop").workload("cart", "Deployment").build();
    return c;
  }

  /** Lines of one style. */
  @State(Scope.Thread)
  public static class Lines {
    @Param({"JSON", "TEXT", "KMESH", "ZTUNNEL", "ENVOY"})
    public LineStyle style = LineStyle.JSON;

    private final Connection connection = connection();
    private Optional<LineFormat> format = Optional.empty();
    private byte[] out = {};

    /** Makes the formatter. */
    @Setup
    public void format() {
      LineFormat made = style.format(ISTIO, IDS, "node-1");
      out = new byte[made.maxLineBytes()];
      format = Optional.of(made);
    }
  }

  /** One line. */
  @Benchmark
  public int line(Lines lines) {
    lines.connection.endEpochNs += 1_009;
    return lines.format.orElseThrow().write(lines.connection, lines.out, 0);
  }

  /** A choice of records. */
  @State(Scope.Thread)
  public static class Chosen implements ConnectionSink {
    @Param({
      "",
      "destination.port == 8080",
      "destination.namespace == 'shop' && connection.duration > duration('1s')",
      "source.pod == 'unknown'",
      "event == 'failed' && process.comm.startsWith('ng') || source.address.matches('^10[.]')",
    })
    public String filter = "";

    @Param({"1"})
    public double sampling = 1;

    @Param({"0"})
    public int rateLimit;

    private final Connection connection = connection();
    private Optional<ChosenRecords> records = Optional.empty();
    private long given;

    /** Compiles the filter. */
    @Setup
    public void choose() {
      ChoiceConfig config =
          new ChoiceConfig(
              filter,
              sampling,
              Optional.of(rateLimit).filter(limit -> limit > 0),
              ChoiceConfig.Errors.KEPT,
              Optional.empty(),
              Optional.empty());
      records =
          Optional.of(
              new ChosenRecords(
                  this,
                  "stdout",
                  EventsConfig.FINAL,
                  config,
                  new PeriodicRounds(List.of(Optional.empty()), 0),
                  0,
                  IDS,
                  ChoiceVitals.STDOUT,
                  new Vitals(),
                  new Log(System.err, Log.Level.ERROR, InstantSource.system())));
    }

    @Override
    public void accept(Connection c) {
      given += c.bytesSent;
    }

    @Override
    public void endBatch() {}
  }

  /** One decision; without a filter, sampling or limit it should be next to nothing. */
  @Benchmark
  public long choice(Chosen chosen) {
    chosen.connection.socketCookie++;
    chosen.connection.endMonoNs += 1_009;
    chosen.records.orElseThrow().accept(chosen.connection);
    return chosen.given;
  }
}
