// SPDX-License-Identifier: Apache-2.0
package io.meshlens.benchmarks;

import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.accesslog.LineStyle;
import io.meshlens.export.LogArchive;
import io.meshlens.export.LogFile;
import io.meshlens.export.LogFileConfig;
import io.meshlens.export.LogFileConfig.Compression;
import io.meshlens.export.LogFileConfig.Sync;
import io.meshlens.export.LogStream;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionSink;
import io.meshlens.kernel.ConnectionReader;
import io.meshlens.kernel.MonoClock;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * How many records a second go from memory as the ring has them into a file as JSON lines, by the
 * two threads of the program; run by log-file.sh. The reader is held back by what the writer has
 * not written yet, so that no line is lost; every line is accounted for.
 */
public final class LogFileRate {
  private static final int AHEAD_RECORDS = 3_000;
  private static final int BATCH_RECORDS = 64;

  private LogFileRate() {}

  /** Takes DIRECTORY ROUNDS RECORDS_PER_ROUND. */
  public static void main(String[] args) throws Exception {
    Path directory = Path.of(args[0]);
    int rounds = Integer.parseInt(args[1]);
    long records = Long.parseLong(args[2]);
    List<Double> rates = new ArrayList<>();
    for (int round = -1; round < rounds; round++) {
      double rate = round(directory.resolve("rate.log"), records);
      if (round >= 0) {
        rates.add(rate);
        System.out.printf(Locale.ROOT, "round %d: %.0f records/s%n", round + 1, rate);
      }
    }
    double[] sorted = rates.stream().mapToDouble(r -> r).sorted().toArray();
    System.out.printf(
        Locale.ROOT,
        "median %.0f records/s (lowest %.0f, highest %.0f), none lost%n",
        sorted[sorted.length / 2],
        Arrays.stream(sorted).min().orElseThrow(),
        Arrays.stream(sorted).max().orElseThrow());
  }

  private static double round(Path path, long records) throws IOException, InterruptedException {
    Vitals vitals = new Vitals();
    Log log = new Log(System.err, Log.Level.WARN, InstantSource.system());
    LogFileConfig config =
        new LogFileConfig(
            path,
            Optional.of(100L << 20),
            Optional.empty(),
            1,
            Optional.empty(),
            Compression.NONE,
            Sync.NEVER);
    LogArchive archive = new LogArchive(config, vitals, log);
    LogFile file = new LogFile(config, archive, InstantSource.system(), vitals, log);
    LogStream lines =
        new LogStream(
            LineStyle.JSON.format("", new ConnectionIds("1f0c2a9b"), ""), file, vitals, log);
    Thread writer = Thread.ofPlatform().name("log-file").start(lines);
    Thread tidier = Thread.ofPlatform().name("log-archive").start(archive);
    RecordedRing ring = new RecordedRing();
    ConnectionReader reader =
        new ConnectionReader(
            List.<ConnectionSink>of(lines), LogFileRate::nothing, MonoClock.system(), vitals);
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    long startNs = System.nanoTime();
    long startCpuNs = threads.getCurrentThreadCpuTime();
    for (long i = 0; i < records; i++) {
      if (i % BATCH_RECORDS == 0) {
        while (i - vitals.get(Vital.FILE_LINES_WRITTEN) > AHEAD_RECORDS) {
          lines.endBatch();
          Thread.sleep(1);
        }
      }
      reader.accept(ring.data(), ring.offset((int) i));
    }
    lines.endBatch();
    long cpuNs = threads.getCurrentThreadCpuTime() - startCpuNs;
    while (vitals.get(Vital.FILE_LINES_WRITTEN) < records) {
      Thread.onSpinWait();
    }
    long writerCpuNs = threads.getThreadCpuTime(writer.threadId());
    lines.end();
    writer.join();
    double seconds = (System.nanoTime() - startNs) / 1e9;
    tidier.join();
    System.out.printf(
        Locale.ROOT,
        "processor time for each record: reading and formatting %d ns, writing %d ns%n",
        cpuNs / records,
        writerCpuNs / records);
    if (vitals.get(Vital.FILE_LINES_WRITTEN) != records) {
      throw new IllegalStateException(
          records + " records, " + vitals.get(Vital.FILE_LINES_WRITTEN) + " lines");
    }
    deleteLogs(path);
    return records / seconds;
  }

  private static void deleteLogs(Path path) throws IOException {
    try (var files = Files.list(path.getParent())) {
      for (Path made :
          files.filter(f -> f.getFileName().toString().startsWith("rate.log")).toList()) {
        Files.delete(made);
      }
    }
  }

  private static void nothing(Connection c) {
    // No enrichment: that has its own benchmarks.
  }
}
