// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What was promised for access logs, with a receiver, a disk and a process that fail. */
@RequiresKernel
class DeliveryIT {
  @TempDir private Path temporary;
  private MountedBpfFileSystem pins;
  private CollectingServer server;
  private Churn churn;
  private final List<SidecarProcess> sidecars = new ArrayList<>();

  @BeforeEach
  void startServer() throws Exception {
    pins = new MountedBpfFileSystem();
    server = new CollectingServer("als_server.py", "serve", "ids");
    churn = new Churn();
  }

  @AfterEach
  void end() throws Exception {
    sidecars.forEach(SidecarProcess::close);
    for (AutoCloseable part : new AutoCloseable[] {server, churn, pins}) {
      if (part != null) {
        part.close();
      }
    }
  }

  private SidecarProcess start(String... settings) throws Exception {
    List<String> all =
        new ArrayList<>(
            List.of(
                "kernel.pin_path=" + pins.path("meshlens"),
                "filter.include=port=" + churn.port(),
                "access_log.stdout.enabled=false",
                "access_log.als.address=127.0.0.1:" + server.port(),
                "access_log.als.stream_interval=500ms",
                "shutdown.timeout=3s"));
    all.addAll(List.of(settings));
    SidecarProcess sidecar = SidecarProcess.run(all.toArray(String[]::new));
    sidecars.add(sidecar);
    return sidecar;
  }

  private SidecarProcess startWithSpool(String... settings) throws Exception {
    List<String> all = new ArrayList<>(List.of("access_log.spool.directory=" + spool()));
    all.addAll(List.of(settings));
    return start(all.toArray(String[]::new));
  }

  private Path spool() {
    return temporary.resolve("spool");
  }

  /** Reports in the order in which they came, each as often as it came: what it says, by its id. */
  private List<Map.Entry<String, String>> reports() {
    List<Map.Entry<String, String>> reports = new ArrayList<>();
    for (JsonNode line : server.lines("ids")) {
      for (JsonNode id : line.path("ids")) {
        reports.add(
            Map.entry(
                id.path(0).asText(),
                Churn.report(id.path(1).asText(), id.path(2).asText(), id.path(3).asText())));
      }
    }
    return reports;
  }

  private Set<String> delivered() {
    Set<String> delivered = new TreeSet<>();
    reports().forEach(report -> delivered.add(report.getValue()));
    return delivered;
  }

  /** No gap, and what came twice came with the same id and says the same. */
  private void awaitEverything() throws Exception {
    Set<String> truth = churn.truth();
    try {
      ChildProcess.await(
          "all reports", () -> Optional.of(true).filter(x -> delivered().size() >= truth.size()));
    } catch (AssertionError e) {
      Set<String> missing = new TreeSet<>(truth);
      missing.removeAll(delivered());
      throw new AssertionError(
          "missing %d of %d, such as %s; stderr: %s"
              .formatted(
                  missing.size(),
                  truth.size(),
                  missing.stream().limit(5).toList(),
                  sidecars.stream().map(s -> s.process().err()).toList()),
          e);
    }
    assertThat(delivered()).isEqualTo(truth);
    Map<String, String> byId = new HashMap<>();
    for (Map.Entry<String, String> report : reports()) {
      assertThat(byId.putIfAbsent(report.getKey(), report.getValue()))
          .isIn(null, report.getValue());
    }
    assertThat(byId).hasSameSizeAs(truth);
  }

  private long metric(SidecarProcess sidecar, String name) throws InterruptedException {
    return sidecar.metric("meshlens_access_log_als_" + name, Map.of());
  }

  private void awaitMetric(SidecarProcess sidecar, String name, long least) throws Exception {
    ChildProcess.await(
        name + " to be " + least,
        () -> Optional.of(true).filter(x -> uncheckedMetric(sidecar, name) >= least));
  }

  private int made(int connections) {
    try {
      churn.make(connections);
      return churn.made();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void awaitNothingWaiting(SidecarProcess sidecar) throws Exception {
    ChildProcess.await(
        "all to be confirmed",
        () -> Optional.of(true).filter(x -> uncheckedMetric(sidecar, "waiting") == 0));
  }

  private long uncheckedMetric(SidecarProcess sidecar, String name) {
    try {
      return metric(sidecar, name);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aServerThatIsAwayForAWhileGetsEverythingAlsoFromBeforeAKill() throws Exception {
    SidecarProcess first = startWithSpool();
    churn.make(100);
    awaitEverything();
    server.command("down");
    churn.make(300);
    awaitMetric(first, "waiting", 600);
    first.process().kill();
    assertThat(first.process().exitCode()).isEqualTo(128 + 9);
    SidecarProcess second = startWithSpool();
    churn.make(100);
    server.command("up");
    awaitEverything();
    awaitMetric(second, "delivered_total", 800);
    assertThat(metric(second, "lost_total")).isZero();
    assertThat(metric(second, "waiting")).isZero();
  }

  @Test
  void aStopLeavesWhatTheServerDidNotTakeToTheNextStart() throws Exception {
    server.command("down");
    SidecarProcess first = startWithSpool();
    churn.make(50);
    first.process().terminate();
    assertThat(first.process().exitCode()).isZero();
    assertThat(first.process().err()).noneMatch(line -> line.contains("did not get"));
    server.command("up");
    startWithSpool();
    awaitEverything();
  }

  @Test
  void twentyStreamsThatBreakLeaveNoGap() throws Exception {
    SidecarProcess sidecar = startWithSpool("access_log.als.batch_records=20");
    churn.make(50);
    awaitEverything();
    for (int i = 0; i < 20; i++) {
      if (i % 2 == 0) {
        // Cut off in the middle of a message.
        churn.make(10);
        server.command("down");
        churn.make(10);
        server.command("up");
        awaitNothingWaiting(sidecar);
      } else {
        long failures = metric(sidecar, "stream_failures_total");
        server.command("break");
        // A stream that was open before is not broken by that.
        ChildProcess.await(
            "a broken stream",
            () ->
                Optional.of(made(5))
                    .filter(x -> uncheckedMetric(sidecar, "stream_failures_total") > failures));
        server.command("serve");
        // A success is what makes the next attempts come soon.
        awaitNothingWaiting(sidecar);
      }
    }
    awaitEverything();
    awaitMetric(sidecar, "delivered_total", 2L * churn.made());
    assertThat(metric(sidecar, "delivered_total")).isEqualTo(2L * churn.made());
    assertThat(metric(sidecar, "resent_total")).isPositive();
    assertThat(metric(sidecar, "lost_total")).isZero();
  }

  @Test
  void aDiskThatIsFullIsSaidAndCountedAndNothingIsLostWhileMemoryLasts() throws Exception {
    Path disk = Files.createDirectory(temporary.resolve("disk"));
    run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk.toString());
    try {
      server.command("down");
      SidecarProcess sidecar = start("access_log.spool.directory=" + disk);
      churn.make(20);
      awaitMetric(sidecar, "waiting", 40);
      Path filler = disk.resolve("filler");
      try (var out = Files.newOutputStream(filler)) {
        byte[] page = new byte[4096];
        while (true) {
          out.write(page);
        }
      } catch (IOException full) {
        assertThat(full).hasMessageContaining("No space left");
      }
      churn.make(100);
      awaitMetric(sidecar, "waiting", 240);
      awaitMetric(sidecar, "spool_failures_total", 1);
      assertThat(sidecar.process().err())
          .anyMatch(
              line ->
                  line.contains("cannot write to the spool " + disk.resolve("als"))
                      && line.contains("No space left on device"));
      Files.delete(filler);
      churn.make(30);
      server.command("up");
      awaitEverything();
      assertThat(metric(sidecar, "lost_total")).isZero();
      sidecar.close();
    } finally {
      sidecars.forEach(SidecarProcess::close);
      run("umount", disk.toString());
    }
  }

  @Test
  void aTornTailOfTheSpoolCostsOnlyWhatIsCounted() throws Exception {
    server.command("down");
    SidecarProcess first = startWithSpool("access_log.als.batch_records=5");
    for (int made = 20; made <= 100; made += 20) {
      churn.make(20);
      // Each in a commit of its own.
      awaitMetric(first, "waiting", 2L * made);
    }
    // Else the ring would still have what the tail loses.
    Thread.sleep(500);
    first.process().kill();
    first.process().exitCode();
    try (Stream<Path> files = Files.list(spool().resolve("als"))) {
      Path last =
          files.filter(f -> f.toString().endsWith(".mv")).max(Path::compareTo).orElseThrow();
      try (RandomAccessFile file = new RandomAccessFile(last.toFile(), "rw")) {
        file.setLength(file.length() - 9_001);
      }
    }
    server.command("up");
    SidecarProcess second = startWithSpool();
    awaitMetric(second, "delivered_total", 1);
    awaitNothingWaiting(second);
    long lost = second.metric("meshlens_access_log_als_lost_total", Map.of("cause", "unreadable"));
    assertThat(lost).isPositive();
    assertThat(delivered()).hasSize((int) (200 - lost));
    assertThat(metric(second, "delivered_total")).isEqualTo(200 - lost);
  }

  @Test
  void aSpoolThatCannotBeUsedEndsTheProgramWithTheRemedy() throws Exception {
    Path file = Files.writeString(temporary.resolve("file"), "");
    try (ChildProcess run =
        ChildProcess.of(
            SidecarProcess.LAUNCHER,
            "run",
            "--set",
            "telemetry.address=127.0.0.1:0",
            "--set",
            "access_log.als.address=127.0.0.1:1",
            "--set",
            "access_log.spool.directory=" + file)) {
      assertThat(run.exitCode()).isEqualTo(1);
      assertThat(run.err())
          .anyMatch(
              line ->
                  line.contains("cannot use the spool " + file.resolve("als"))
                      && line.contains("access_log.spool.directory"));
    }
  }

  @Test
  void aServerThatHasEnoughForeverIsAskedSeldomAndGetsEverythingInTheEnd() throws Exception {
    server.command("exhausted");
    SidecarProcess sidecar = startWithSpool();
    churn.make(40);
    awaitMetric(sidecar, "stream_failures_total", 4);
    // 200 ms doubled thrice, less a fifth: there was no storm.
    assertThat(server.lines("stream").size()).isLessThan(30);
    assertThat(delivered()).isEmpty();
    server.command("serve");
    awaitEverything();
    assertThat(metric(sidecar, "lost_total")).isZero();
  }

  @Test
  void bestEffortCountsExactlyWhatDidNotFitBesideAServerThatNeverReads() throws Exception {
    server.command("hang");
    SidecarProcess sidecar =
        start(
            "access_log.memory_size=64KiB",
            "access_log.als.batch_size=4KiB",
            "access_log.otlp.batch_size=4KiB",
            "shutdown.timeout=1s");
    churn.make(400);
    ChildProcess.await(
        "every record to be somewhere",
        () ->
            Optional.of(true)
                .filter(
                    x ->
                        uncheckedMetric(sidecar, "waiting") + uncheckedMetric(sidecar, "lost_total")
                            == 800));
    assertThat(metric(sidecar, "waiting_size_bytes")).isBetween(32L << 10, 64L << 10);
    assertThat(
            sidecar.metric("meshlens_access_log_als_lost_total", Map.of("cause", "oldest_dropped")))
        .isEqualTo(metric(sidecar, "lost_total"));
    assertThat(metric(sidecar, "delivered_total")).isZero();
  }

  @Test
  void aSidecarKilledAtRandomMomentsLosesNothing() throws Exception {
    Random random = new Random(20261121);
    AtomicBoolean over = new AtomicBoolean();
    SidecarProcess sidecar = startWithSpool();
    Thread load =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    while (!over.get()) {
                      churn.make(3);
                      Thread.sleep(10);
                    }
                  } catch (IOException | InterruptedException e) {
                    throw new IllegalStateException(e);
                  }
                });
    for (int i = 0; i < 4; i++) {
      Thread.sleep(200 + random.nextInt(1200));
      sidecar.process().kill();
      sidecar.process().exitCode();
      sidecar = startWithSpool();
    }
    over.set(true);
    load.join();
    awaitEverything();
  }

  private static void run(String... command) throws IOException, InterruptedException {
    try (ChildProcess process = ChildProcess.of(command)) {
      assertThat(process.exitCode()).as("%s", process.err()).isZero();
    }
  }
}
