// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each log gets the records that it wants, and what it does not get is counted. */
@RequiresKernel
class ChoiceIT {
  private static final int PORT = 21_400;
  private static final List<String> SIDES = List.of("outbound", "inbound");

  @TempDir private Path directory;
  private TestCgroup cgroup;
  private NetworkNamespace node;
  private TcpPeer peer;

  @BeforeEach
  void startPeer() throws Exception {
    cgroup = new TestCgroup();
    node = new NetworkNamespace();
    peer = new TcpPeer(cgroup.entrance(node));
    peer.run("from traffic import *; import time; t = Traffic('127.0.0.1', %d)", PORT);
  }

  @AfterEach
  void endPeer() throws Exception {
    for (AutoCloseable part : new AutoCloseable[] {peer, node, cgroup}) {
      if (part != null) {
        part.close();
      }
    }
  }

  private Path log() {
    return directory.resolve("access.log");
  }

  private Path settings() {
    return directory.resolve("meshlens.yaml");
  }

  private void configure(String yaml) throws Exception {
    Files.writeString(settings(), yaml);
  }

  private SidecarProcess start() throws Exception {
    return SidecarProcess.runWith(
        settings(), "cgroup=" + cgroup.path(), "access_log.file.path=" + log());
  }

  /** SIGHUP, once the sidecar has answered with a line that says so. */
  private static void reload(SidecarProcess sidecar, String answer) throws Exception {
    long before = said(sidecar, answer);
    assertThat(new ProcessBuilder("kill", "-HUP", "" + sidecar.process().pid()).start().waitFor())
        .isZero();
    ChildProcess.await(
        answer + " in " + sidecar.process().err(),
        () -> Optional.of(true).filter(x -> said(sidecar, answer) > before));
  }

  private static long said(SidecarProcess sidecar, String part) {
    return sidecar.process().err().stream().filter(line -> line.contains(part)).count();
  }

  private static long leftOut(SidecarProcess sidecar, String cause) throws Exception {
    return sidecar.metric("meshlens_access_log_file_left_out_total", Map.of("cause", cause));
  }

  private List<JsonNode> fileRecords() throws Exception {
    return LogLines.records(List.of(log()));
  }

  private static void end(SidecarProcess sidecar) throws Exception {
    sidecar.process().terminate();
    assertThat(sidecar.process().exitCode()).as("%s", sidecar.process().err()).isZero();
  }

  @Test
  void filtersChangeUnderTrafficWithoutLosingARecord() throws Exception {
    String filter = "access_log: {file: {filter: \"direction == '%s'\"}}\n";
    configure(filter.formatted("outbound"));
    try (SidecarProcess sidecar = start()) {
      peer.begin(
          """
          end = time.time() + 4
          while time.time() < end:
              t.churn(20)
          """);
      for (int i = 0; i < 4; i++) {
        Thread.sleep(500);
        configure(filter.formatted(i % 2 == 0 ? "inbound" : "outbound"));
        reload(sidecar, "access_log.file has another choice of records");
      }
      configure("access_log: {file: {filter: \"directon == 'inbound'\"}, stdout: {sampling: 2}}\n");
      reload(sidecar, "problem(s); the filters stay as they were");
      peer.value();
      int connections = peer.run("t.over()").at("/outbound/closed").asInt();
      ChildProcess.await(
          "all on stdout",
          () ->
              Optional.of(true).filter(x -> sidecar.recordsOfPort(PORT).size() >= 2 * connections));
      assertThat(sidecar.process().err())
          .anyMatch(
              line -> line.contains("line 1, character 1: undeclared reference to 'directon'"))
          .anyMatch(line -> line.contains("access_log.stdout.sampling = \"2\""));
      long filtered = leftOut(sidecar, "filter");
      end(sidecar);
      Map<String, Long> bySide = new HashMap<>();
      fileRecords().forEach(r -> bySide.merge(r.path("direction").asText(), 1L, Long::sum));
      assertThat(bySide.keySet()).containsExactlyInAnyOrderElementsOf(SIDES);
      assertThat(bySide.values().stream().mapToLong(n -> n).sum() + filtered)
          .isEqualTo(2L * connections);
      assertThat(filtered).isPositive();
    }
  }

  @Test
  void samplesAndLimitsLeaveErrorsAndCountTheRest() throws Exception {
    configure("access_log: {file: {sampling: 0.25}}\n");
    try (SidecarProcess sidecar = start()) {
      peer.run("l = listen('127.0.0.2', %d)", PORT + 1);
      String exchanges =
          """
          for i in range(%d):
              s = dial('127.0.0.2', %d); a = l.accept()[0]; s.close(); finish(a)
          """;
      peer.run(exchanges, 400, PORT + 1);
      peer.run(
          """
          for i in range(20):
              try: dial('127.0.0.2', %d)
              except ConnectionRefusedError: pass
          """,
          PORT + 2);
      sidecar.awaitRecords(PORT + 1, 800);
      sidecar.awaitRecords(PORT + 2, 20);
      long sampledOut = leftOut(sidecar, "sampling");
      configure("access_log: {file: {rate_limit: 10}}\n");
      reload(sidecar, "access_log.file has another choice of records");
      peer.run(exchanges, 100, PORT + 1);
      sidecar.awaitRecords(PORT + 1, 1000);
      long limited = leftOut(sidecar, "rate_limit");
      end(sidecar);
      List<JsonNode> records = fileRecords();
      assertThat(records.stream().filter(r -> r.path("event").asText().equals("failed")))
          .hasSize(20);
      // 800 tries with a chance of a quarter: six standard deviations either way.
      assertThat(800 - sampledOut).isBetween(126L, 274L);
      assertThat(limited).isBetween(100L, 190L);
      assertThat(records.size()).isEqualTo(20 + 800 - sampledOut + 200 - limited);
    }
  }

  @Test
  void aLogThatWantsBeginningsHasOneOfEachConnectionAndTheOtherNone() throws Exception {
    configure("access_log: {stdout: {opened: true}}\n");
    try (SidecarProcess sidecar = start()) {
      peer.run("t.hold(3)");
      List<JsonNode> opened = sidecar.awaitRecords(PORT, 6);
      assertThat(opened).allMatch(r -> r.path("event").asText().equals("opened"));
      assertThat(opened).noneMatch(r -> r.has("termination"));
      peer.run("t.release()");
      List<JsonNode> all = sidecar.awaitRecords(PORT, 12);
      assertThat(all.stream().map(r -> r.path("id").asText()).distinct()).hasSize(6);
      assertThat(leftOut(sidecar, "event")).isEqualTo(6);
      end(sidecar);
      assertThat(fileRecords()).hasSize(6).allMatch(r -> r.path("event").asText().equals("closed"));
    }
  }

  @Test
  void totalsAreReadFromFinalRecordsFromTheLastOfEachConnectionAndFromTheSumOfDeltas()
      throws Exception {
    configure(
        """
        access_log:
          periodic_interval: 1s
          file: {periodic: delta, periodic_interval: 2s}
        """);
    try (SidecarProcess sidecar = start()) {
      peer.run("t.hold(10)");
      peer.run(
          """
          end = time.time() + 4.5
          while time.time() < end:
              t.churn(5)
              t.pump(1)
              time.sleep(0.05)
          t.release()
          """);
      int connections = peer.run("t.over()").at("/outbound/closed").asInt();
      ChildProcess.await(
          "all ends",
          () -> Optional.of(true).filter(x -> finals(sidecar).size() >= 2 * connections));
      JsonNode over = peer.run("t.over()");
      end(sidecar);
      List<JsonNode> cumulative = sidecar.recordsOfPort(PORT);
      Map<String, JsonNode> last = new HashMap<>();
      cumulative.forEach(r -> last.put(r.path("id").asText(), r));
      List<JsonNode> deltas = fileRecords();
      for (String side : SIDES) {
        Totals application = Totals.ofApplication(over.path(side));
        assertThat(Totals.ofRecords(finals(sidecar), side)).isEqualTo(application);
        assertThat(Totals.ofRecords(List.copyOf(last.values()), side)).isEqualTo(application);
        assertThat(sum(deltas, side, "bytes_sent")).isEqualTo(application.sent());
        assertThat(sum(deltas, side, "bytes_received")).isEqualTo(application.received());
        assertThat(sum(deltas, side, "packets_sent"))
            .isEqualTo(sum(finals(sidecar), side, "packets_sent"));
        assertThat(sum(cumulative, side, "bytes_sent")).isGreaterThan(application.sent());
      }
      assertThat(deltas).allMatch(r -> r.path("counts").asText().equals("delta"));
      assertThat(cumulative).noneMatch(r -> r.has("counts"));
      // The file had every other round: that of a connection that was held throughout.
      assertThat(periodic(cumulative).size()).isBetween(3 * 20, 5 * 20 + 40);
      assertThat(periodic(deltas).size()).isBetween(20, 2 * 20 + 40);
    }
  }

  private static List<JsonNode> finals(SidecarProcess sidecar) {
    return sidecar.recordsOfPort(PORT).stream()
        .filter(r -> !r.path("event").asText().equals("periodic"))
        .toList();
  }

  private static List<JsonNode> periodic(List<JsonNode> records) {
    return records.stream().filter(r -> r.path("event").asText().equals("periodic")).toList();
  }

  private static long sum(List<JsonNode> records, String side, String count) {
    return records.stream()
        .filter(r -> r.path("direction").asText().equals(side))
        .mapToLong(r -> r.path(count).asLong())
        .sum();
  }
}
