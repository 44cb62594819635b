// SPDX-License-Identifier: Apache-2.0
package io.meshlens.benchmarks;

import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.export.AlsBatch;
import io.meshlens.export.AlsMapping;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionSink;
import io.meshlens.flow.Identity;
import io.meshlens.kernel.ConnectionReader;
import io.meshlens.kernel.MonoClock;
import io.meshlens.vitals.Vitals;
import java.util.ArrayList;
import java.util.List;
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

/**
 * What one connection costs on its way into a message for an access log service: mapping and
 * encoding, and the same with the reading of its wire record. With {@code -prof gc} both must show
 * an allocation rate of (about) 0 B/op. The JVM's options are those of the launcher.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 3,
    jvmArgsAppend = {"-XX:+UseSerialGC", "-Xms16m", "-Xmx64m", "-XX:ReservedCodeCacheSize=48m"})
public class AlsEntryBenchmark {
  private static final String BOOT_ID = "1f0c2a9b-3d4e-4f50-8a6b-7c8d9e0fa1b2";
  private static final int MESSAGE_ENTRIES = 100;
  private static final int MESSAGE_BYTES = 256 * 1024;
  private static final int WORKLOADS = 128;

  /** Whether client and server of every connection have a name. */
  @Param({"none", "both"})
  public String identities = "";

  private final RecordedRing ring = new RecordedRing();
  private final List<Connection> connections = new ArrayList<>();
  private final Messages messages = new Messages();
  private final ConnectionReader reading =
      new ConnectionReader(List.of(messages), this::identify, MonoClock.system(), new Vitals());
  private final Identity[] workloads = new Identity[WORKLOADS];
  private int next;

  /** One message over and over. */
  private static final class Messages implements ConnectionSink {
    private final AlsBatch batch =
        new AlsBatch(new AlsMapping(new ConnectionIds(BOOT_ID)), MESSAGE_BYTES);

    @Override
    public void accept(Connection connection) {
      if (batch.entries() == MESSAGE_ENTRIES) {
        batch.clear();
      }
      batch.add(connection);
    }

    @Override
    public void endBatch() {}
  }

  /** Decodes every record once. */
  @Setup
  public void decodeAll() {
    for (int i = 0; i < WORKLOADS; i++) {
      String name = "workload-" + i;
      workloads[i] =
          Identity.builder()
              .cluster("north")
              .node("node-" + i % 8)
              .namespace("shop")
              .workload(name, "Deployment")
              .pod(name + "-5d4f6c7b8-x2x4z")
              .service(name, "shop", name + ".shop.svc.cluster.local")
              .app(name)
              .version("v1")
              .serviceAccount(name, "cluster.local")
              .source("kubernetes")
              .build();
    }
    List<Connection> seen = connections;
    ConnectionReader decoding =
        new ConnectionReader(
            List.of(
                new ConnectionSink() {
                  @Override
                  public void accept(Connection connection) {
                    seen.add(connection.copy());
                  }

                  @Override
                  public void endBatch() {}
                }),
            this::identify,
            MonoClock.system(),
            new Vitals());
    for (int i = 0; i < RecordedRing.RECORDS; i++) {
      decoding.accept(ring.data(), ring.offset(i));
    }
    if (connections.size() != RecordedRing.RECORDS) {
      throw new IllegalStateException("only " + connections.size() + " records were read");
    }
  }

  private void identify(Connection c) {
    if (identities.equals("both")) {
      c.source = workloads[c.localPort % WORKLOADS];
      c.destination = workloads[c.remotePort % WORKLOADS];
    }
  }

  /** {@link Connection} to an entry of a message. */
  @Benchmark
  public int mapAndEncode() {
    messages.accept(connections.get(next++ & (RecordedRing.RECORDS - 1)));
    return messages.batch.sizeBytes();
  }

  /** Wire record to an entry of a message. */
  @Benchmark
  public int readMapAndEncode() {
    reading.accept(ring.data(), ring.offset(next++));
    return messages.batch.sizeBytes();
  }
}
