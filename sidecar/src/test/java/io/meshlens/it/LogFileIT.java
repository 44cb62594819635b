// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The access log file: every line of every connection is in it, whatever is done to the file. */
@RequiresKernel
class LogFileIT {
  private static final int PORT = 21_300;
  private static final String LINES = "meshlens_access_log_file_lines_total";
  private static final String LOST = "meshlens_access_log_file_lost_total";

  @TempDir private Path directory;
  private TestCgroup cgroup;
  private NetworkNamespace node;
  private TcpPeer peer;

  @BeforeEach
  void startPeer() throws Exception {
    cgroup = new TestCgroup();
    node = new NetworkNamespace();
    peer = new TcpPeer(cgroup.entrance(node));
    peer.run("from traffic import *; t = Traffic('127.0.0.1', %d)", PORT);
  }

  @AfterEach
  void endPeer() throws Exception {
    for (AutoCloseable part : new AutoCloseable[] {peer, node, cgroup}) {
      if (part != null) {
        part.close();
      }
    }
  }

  private SidecarProcess start(Path file, String... settings) throws Exception {
    List<String> all = new ArrayList<>(List.of(settings));
    all.add("cgroup=" + cgroup.path());
    all.add("access_log.stdout.enabled=false");
    all.add("access_log.file.path=" + file);
    return SidecarProcess.run(all.toArray(String[]::new));
  }

  private static void end(SidecarProcess sidecar) throws Exception {
    sidecar.process().terminate();
    assertThat(sidecar.process().exitCode()).as("%s", sidecar.process().err()).isZero();
  }

  private static void hangUp(SidecarProcess sidecar) throws Exception {
    assertThat(new ProcessBuilder("kill", "-HUP", "" + sidecar.process().pid()).start().waitFor())
        .isZero();
  }

  /** Exactly the connections that both applications counted, none twice, to the byte. */
  private void assertComplete(List<JsonNode> records) throws Exception {
    JsonNode over = peer.run("t.over()");
    for (String side : List.of("outbound", "inbound")) {
      assertThat(Totals.ofRecords(records, side)).isEqualTo(Totals.ofApplication(over.path(side)));
    }
    assertThat(records.stream().map(r -> r.path("id").asText()).distinct().count())
        .isEqualTo(records.size());
  }

  @Test
  void rotationUnderTrafficLosesAndTearsNoLine() throws Exception {
    try (SidecarProcess sidecar =
        start(
            directory.resolve("access.log"),
            "access_log.file.rotate_size=64KiB",
            "access_log.file.keep_files=1000")) {
      peer.run("t.churn(250)");
      // What an earlier start has left is taken care of by the next.
      end(sidecar);
    }
    int before = LogLines.files(directory).size();
    try (SidecarProcess sidecar =
        start(
            directory.resolve("access.log"),
            "access_log.file.rotate_size=64KiB",
            "access_log.file.keep_files=1000")) {
      peer.run("t.churn(250)");
      ChildProcess.await(
          "all to be compressed, has " + LogLines.files(directory),
          () -> Optional.of(true).filter(x -> unpacked() <= 1));
      end(sidecar);
    }
    List<Path> files = LogLines.files(directory);
    assertThat(before).isGreaterThan(5);
    assertThat(files.size()).isGreaterThan(before + 5);
    for (Path file : files) {
      assertThat(LogLines.text(file).length()).isLessThanOrEqualTo(64 * 1024);
    }
    assertComplete(LogLines.records(files));
  }

  private long unpacked() {
    try {
      return LogLines.files(directory).stream().filter(f -> !f.toString().endsWith(".gz")).count();
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void sighupReopensUnderTrafficAndLosesAndTearsNoLine() throws Exception {
    Path file = directory.resolve("access.log");
    try (SidecarProcess sidecar = start(file)) {
      peer.begin(
          """
          import time
          end = time.time() + 4
          while time.time() < end:
              t.churn(20)
          """);
      for (int round = 0; round < 10; round++) {
        Thread.sleep(300);
        Files.move(file, directory.resolve("moved-" + round));
        hangUp(sidecar);
        ChildProcess.await(
            "the file anew", () -> Optional.of(true).filter(x -> Files.exists(file)));
      }
      peer.value();
      end(sidecar);
      assertThat(sidecar.process().err().stream().filter(line -> line.contains("opened anew")))
          .hasSize(10);
    }
    List<Path> files = LogLines.files(directory);
    assertThat(files).hasSize(11);
    assertThat(files.stream().filter(f -> f.toFile().length() > 0).count()).isGreaterThan(5);
    assertComplete(LogLines.records(files));
  }

  @Test
  void whatAFullDiskLosesIsCountedAndItGoesOnWhenThereIsRoom() throws Exception {
    try (MountedTmpfs disk = new MountedTmpfs(256);
        SidecarProcess sidecar = start(disk.path("access.log"), "access_log.file.rotate_size=")) {
      Path file = disk.path("access.log");
      Files.write(disk.path("filler"), new byte[200 * 1024]);
      peer.run("t.churn(200)");
      ChildProcess.await(
          "a full disk", () -> Optional.of(true).filter(x -> metric(sidecar, LOST) > 0));
      Thread.sleep(200);
      long written = metric(sidecar, LINES);
      assertThat(LogLines.records(List.of(file))).hasSize((int) written);
      Files.delete(disk.path("filler"));
      peer.run("t.churn(20)");
      int connections = peer.run("t.over()").at("/outbound/closed").asInt();
      ChildProcess.await(
          "all lines",
          () ->
              Optional.of(true)
                  .filter(x -> metric(sidecar, LINES) + metric(sidecar, LOST) == 2L * connections));
      assertThat(metric(sidecar, LINES)).isGreaterThan(written);
      assertThat(sidecar.metric(LOST, Map.of("cause", "disk_full")))
          .isEqualTo(metric(sidecar, LOST));
      assertThat(LogLines.records(List.of(file))).hasSize((int) metric(sidecar, LINES));
      assertThat(sidecar.process().err()).anyMatch(line -> line.contains("No space left"));
      end(sidecar);
    }
  }

  private static long metric(SidecarProcess sidecar, String name) {
    try {
      return sidecar.metric(name, Map.of());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  @Test
  void aFileThatCannotBeWrittenIsAnErrorOfTheConfiguration() throws Exception {
    String path = directory.resolve("no/such/access.log").toString();
    try (ChildProcess run =
        ChildProcess.of(
            SidecarProcess.LAUNCHER,
            "run",
            "--set",
            "cgroup=" + cgroup.path(),
            "--set",
            "telemetry.address=127.0.0.1:0",
            "--set",
            "access_log.file.path=" + path)) {
      assertThat(run.exitCode()).isEqualTo(2);
      assertThat(run.err())
          .anyMatch(
              line ->
                  line.contains("access_log.file.path = \"" + path + "\"")
                      && line.contains("NoSuchFile"));
    }
  }

  @Test
  void textLinesTellTheSameAsEnvoyWouldOfTheRealConnections() throws Exception {
    Path file = directory.resolve("access.log");
    try (SidecarProcess sidecar =
        start(
            file,
            "access_log.file.format=text",
            "access_log.file.text_format=%ACCESS_LOG_TYPE% %BYTES_RECEIVED% %BYTES_SENT%"
                + " %RESPONSE_FLAGS% %UPSTREAM_HOST% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"
                + " %FIELD(connection.direction)% \"%FIELD(process.comm)%\"")) {
      peer.run("l = listen('127.0.0.2', %d); c = dial('127.0.0.2', %d)", PORT + 1, PORT + 1);
      peer.run(
          """
          import ctypes
          a = l.accept()[0]
          c.sendall(bytes(119)); take(a, 119); a.sendall(bytes(31)); take(c, 31)
          c.close(); finish(a); l.close()
          """);
      assertThat(peer.fail("dial('127.0.0.2', %d)", PORT + 1)).isEqualTo("ECONNREFUSED");
      end(sidecar);
      String end = " 127.0.0.2:%d 127.0.0.1 ".formatted(PORT + 1);
      assertThat(
              LogLines.text(file).lines().map(line -> line.replaceFirst(" \"python3[^\"]*\"$", "")))
          .containsExactlyInAnyOrder(
              "TcpConnectionEnd 119 31 -" + end + "outbound",
              "TcpConnectionEnd 119 31 -" + end + "inbound",
              "TcpConnectionEnd 0 0 UF" + end + "outbound");
    }
  }
}
