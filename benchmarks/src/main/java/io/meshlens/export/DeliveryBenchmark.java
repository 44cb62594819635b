// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.benchmarks.RecordedRing;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionSink;
import io.meshlens.kernel.ConnectionReader;
import io.meshlens.kernel.MonoClock;
import io.meshlens.spool.Batch;
import io.meshlens.spool.LossCause;
import io.meshlens.spool.Losses;
import io.meshlens.spool.Overflow;
import io.meshlens.spool.Spool;
import io.meshlens.spool.SpoolConfig;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.net.URI;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What one record costs on its way from the ring to the spool, as part of a batch of the usual
 * size. The spool is full and drops its oldest, as it does while a receiver is away for long.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"-XX:+UseSerialGC", "-Xms16m", "-Xmx64m", "-XX:ReservedCodeCacheSize=48m"})
public class DeliveryBenchmark {
  private static final int BATCH_RECORDS = 500;
  private static final long DISK_BYTES = 64 << 20;
  private static final long MEMORY_BYTES = 8 << 20;

  /** As the ring reader passes connections on. */
  private static final class Passing implements ConnectionSink {
    private final ConnectionQueue queue = new ConnectionQueue(BATCH_RECORDS);

    @Override
    public void accept(Connection connection) {
      queue.offer(connection);
    }

    @Override
    public void endBatch() {}
  }

  /** What becomes a batch. */
  @State(Scope.Thread)
  public static class Encoding {
    @Param({"als", "otlp"})
    public String receiver = "";

    private final RecordedRing ring = new RecordedRing();
    private final List<Connection> connections = new ArrayList<>();
    private final Passing passing = new Passing();
    private final ConnectionReader reader =
        new ConnectionReader(List.of(passing), c -> {}, MonoClock.system(), new Vitals());
    private Optional<BatchEncoder> encoder = Optional.empty();
    private int next;

    /** Decodes every record once. */
    @Setup
    public void decodeAll() {
      ConnectionIds ids = new ConnectionIds("1f0c2a9b");
      encoder =
          Optional.of(
              receiver.equals("als")
                  ? new AlsEncoder(new AlsMapping(ids))
                  : new OtlpLogEncoder(
                      otlp(), "0", new OtlpLogMapping(ids, DeliveryBenchmark::epochNs)));
      for (int i = 0; i < RecordedRing.RECORDS; i++) {
        reader.accept(ring.data(), ring.offset(i));
        passing.queue.drain(connection -> connections.add(connection.copy()), 1);
      }
    }

    /** Of connections that were read before. */
    Batch encode() {
      BatchEncoder batch = encoder.orElseThrow();
      for (int i = 0; i < BATCH_RECORDS; i++) {
        batch.add(connections.get(next++ & (RecordedRing.RECORDS - 1)));
      }
      return batch.finish();
    }

    /** Of records as the ring has them. */
    Batch readAndEncode() {
      BatchEncoder batch = encoder.orElseThrow();
      for (int i = 0; i < BATCH_RECORDS; i++) {
        reader.accept(ring.data(), ring.offset(next++ & (RecordedRing.RECORDS - 1)));
      }
      passing.queue.drain(batch::add, BATCH_RECORDS);
      return batch.finish();
    }
  }

  /** Where batches wait. */
  @State(Scope.Thread)
  public static class Waiting implements Losses {
    @Param({"memory", "disk"})
    public String spool = "";

    private Optional<Path> directory = Optional.empty();
    private Optional<Spool> opened = Optional.empty();
    private long lost;

    /** In a directory of its own. */
    @Setup
    public void open() throws IOException {
      if (spool.equals("disk")) {
        directory = Optional.of(Files.createTempDirectory("meshlens-spool"));
      }
      opened =
          Optional.of(
              Spool.open(
                  new SpoolConfig(
                      directory,
                      DISK_BYTES,
                      MEMORY_BYTES,
                      Overflow.DROP_OLDEST,
                      SpoolConfig.Fsync.NEVER),
                  "bench",
                  System::nanoTime,
                  this));
    }

    /** Leaves no file behind. */
    @TearDown(Level.Trial)
    public void delete() throws IOException {
      opened.orElseThrow().close();
      if (directory.isPresent()) {
        Path files = directory.get().resolve("bench");
        try (DirectoryStream<Path> all = Files.newDirectoryStream(files)) {
          for (Path file : all) {
            Files.delete(file);
          }
        }
        Files.delete(files);
        Files.delete(directory.get());
      }
    }

    long put(Batch batch) {
      opened.orElseThrow().append(batch);
      opened.orElseThrow().commit();
      return lost;
    }

    @Override
    public void lost(LossCause cause, long records) {
      lost += records;
    }

    @Override
    public void failed(String what) {
      throw new IllegalStateException(what);
    }
  }

  /** A batch that is there already. */
  @State(Scope.Thread)
  public static class Ready {
    private Batch batch = new Batch(new byte[0], 1);

    /** Encodes it. */
    @Setup
    public void encode(Encoding encoding) {
      batch = encoding.encode();
    }
  }

  private static OtlpLogConfig otlp() {
    return new OtlpLogConfig(
        new OtlpReceiver(
            URI.create("http://127.0.0.1:1"),
            OtlpReceiver.Protocol.GRPC,
            Duration.ofSeconds(1),
            OtlpReceiver.Compression.NONE,
            List.of(),
            TlsFiles.NONE),
        "node",
        "");
  }

  private static long epochNs() {
    return 1_795_221_953_123_456_789L;
  }

  /** {@link Connection} to its part of a batch. */
  @Benchmark
  @OperationsPerInvocation(BATCH_RECORDS)
  public Batch encode(Encoding encoding) {
    return encoding.encode();
  }

  /** A batch into the spool. */
  @Benchmark
  @OperationsPerInvocation(BATCH_RECORDS)
  public long put(Ready ready, Waiting waiting) {
    return waiting.put(ready.batch);
  }

  /** Wire record, queue, batch, spool. */
  @Benchmark
  @OperationsPerInvocation(BATCH_RECORDS)
  public long fromRingToSpool(Encoding encoding, Waiting waiting) {
    return waiting.put(encoding.readAndEncode());
  }
}
