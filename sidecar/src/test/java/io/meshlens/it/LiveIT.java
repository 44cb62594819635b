// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is said of connections while they are open. */
@RequiresKernel
class LiveIT {
  private static final List<String> SIDES = List.of("outbound", "inbound");
  private static final List<String> COUNTS =
      List.of(
          "duration_ns",
          "bytes_sent",
          "bytes_received",
          "packets_sent",
          "packets_received",
          "retransmits",
          "bytes_retransmitted",
          "segments_delivered");

  private static TestCgroup cgroup;
  private static NetworkNamespace node;
  private static SidecarProcess sidecar;
  private static int port = 20_000;

  private TcpPeer client;
  private TcpPeer server;

  @BeforeAll
  static void startSidecar() throws Exception {
    cgroup = new TestCgroup();
    node = new NetworkNamespace();
    sidecar = SidecarProcess.run("cgroup=" + cgroup.path(), "access_log.periodic_interval=1s");
  }

  @AfterAll
  static void endSidecar() throws Exception {
    for (AutoCloseable part : new AutoCloseable[] {sidecar, node, cgroup}) {
      if (part != null) {
        part.close();
      }
    }
  }

  @BeforeEach
  void startPeers() throws Exception {
    port += 10;
    client = new TcpPeer(cgroup.entrance(node));
    server = new TcpPeer(cgroup.entrance(node));
  }

  @AfterEach
  void endPeers() throws Exception {
    client.close();
    server.close();
  }

  /** Connections {@code s[i]} of the client, {@code a[i]} of the server. */
  private void connect(int connections) throws Exception {
    server.run("l = listen('127.0.0.1', %d); a = []", port);
    client.run("s = []");
    for (int i = 0; i < connections; i++) {
      client.run("s.append(dial('127.0.0.1', %d))", port);
      server.run("a.append(l.accept()[0])");
    }
  }

  /** Bytes over one of the connections, there and back. */
  private void exchange(int connection, long there, long back) throws Exception {
    client.begin("s[%d].sendall(bytes(%d))", connection, there);
    server.run("take(a[%d], %d)", connection, there);
    client.value();
    server.begin("a[%d].sendall(bytes(%d))", connection, back);
    client.run("take(s[%d], %d)", connection, back);
    server.value();
  }

  private static Totals sums(String side) throws Exception {
    Map<String, String> ofPort = Map.of("destination_port", Integer.toString(port));
    return Totals.ofSums(MetricsPage.of(sidecar), side, ofPort);
  }

  private static void assertOpen(long connections, long there, long back) throws Exception {
    assertThat(sums("outbound")).isEqualTo(new Totals(connections, 0, Map.of(), there, back));
    assertThat(sums("inbound")).isEqualTo(new Totals(connections, 0, Map.of(), back, there));
  }

  @Test
  void bytesOfOpenConnectionsAreInTheSumsAtOnceIdleAndBusyAlike() throws Exception {
    connect(2);
    assertOpen(2, 0, 0);
    exchange(0, 1009, 17);
    assertOpen(2, 1009, 17);
    long there = 1009;
    long back = 17;
    for (int round = 1; round <= 5; round++) {
      exchange(1, 100_003L * round, 7);
      there += 100_003L * round;
      back += 7;
      assertOpen(2, there, back);
    }
    Map<String, String> active = Map.of("destination_port", Integer.toString(port));
    assertThat(sidecar.metric("mesh_tcp_connections_active", active)).isEqualTo(4);
    client.run("s[0].close()");
    server.run("finish(a[0])");
    ChildProcess.await("the end", () -> Optional.of(true).filter(x -> finals().size() == 2));
    assertThat(sums("outbound")).isEqualTo(new Totals(2, 1, Map.of(), there, back));
    assertThat(sums("inbound")).isEqualTo(new Totals(2, 1, Map.of(), back, there));
    assertThat(sidecar.metric("mesh_tcp_connections_active", active)).isEqualTo(2);
  }

  @Test
  void aHalfClosedConnectionIsLiveToTheByte() throws Exception {
    connect(1);
    exchange(0, 211, 5003);
    client.run("s[0].shutdown(SHUT_WR)");
    assertThat(server.run("drain(a[0])").asLong()).isZero();
    assertOpen(1, 211, 5003);
    server.run("a[0].sendall(bytes(307))");
    client.run("take(s[0], 307)");
    assertOpen(1, 211, 5310);
  }

  private static List<JsonNode> finals() {
    return sidecar.recordsOfPort(port).stream()
        .filter(record -> !record.path("event").asText().equals("periodic"))
        .toList();
  }

  /** The records of this test's port, by connection, in the order in which they came. */
  private static Collection<List<JsonNode>> histories() {
    Map<String, List<JsonNode>> histories = new LinkedHashMap<>();
    for (JsonNode record : sidecar.recordsOfPort(port)) {
      histories.computeIfAbsent(record.path("id").asText(), id -> new ArrayList<>()).add(record);
    }
    return histories.values();
  }

  /** Any number of periodic records, no number of which falls, and one final record at the end. */
  private static void assertHistory(List<JsonNode> history) {
    assertThat(history.getLast().path("event").asText()).as("%s", history).isEqualTo("closed");
    for (int i = 0; i + 1 < history.size(); i++) {
      JsonNode record = history.get(i);
      JsonNode next = history.get(i + 1);
      assertThat(record.path("event").asText()).as("%s", history).isEqualTo("periodic");
      assertThat(record.has("termination")).isFalse();
      assertThat(record.has("error")).isFalse();
      for (String count : COUNTS) {
        assertThat(record.path(count).asLong())
            .as("%s: %s", count, history)
            .isLessThanOrEqualTo(next.path(count).asLong());
      }
      for (String constant : List.of("direction", "source", "destination", "process")) {
        assertThat(record.path(constant)).as("%s", history).isEqualTo(next.path(constant));
      }
    }
  }

  @Test
  void anOpenConnectionHasARecordEachSecondAndOneInTheEnd() throws Exception {
    connect(2);
    exchange(0, 4001, 23);
    int idlePort = client.run("s[0].getsockname()[1]").asInt();
    client.begin(
        """
        import time
        end = time.time() + 2.2
        written = 0
        while time.time() < end:
            s[1].sendall(bytes(10007))
            written += 10007
            time.sleep(0.01)
        s[1].close()
        written
        """);
    assertThat(server.run("drain(a[1])").asLong()).isEqualTo(client.value().asLong());
    client.run("s[0].close()");
    server.run("a[1].close(); finish(a[0])");
    ChildProcess.await("the ends", () -> Optional.of(true).filter(x -> finals().size() == 4));
    // Another periodic record would come in this time.
    Thread.sleep(1_200);
    assertThat(histories()).hasSize(4);
    for (List<JsonNode> history : histories()) {
      assertHistory(history);
      assertThat(history).hasSizeBetween(2, 5);
      for (int i = 0; i + 2 < history.size(); i++) {
        long pause =
            history.get(i + 1).path("duration_ns").asLong()
                - history.get(i).path("duration_ns").asLong();
        assertThat(pause).isBetween(900_000_000L, 1_500_000_000L);
      }
    }
    for (JsonNode record : sidecar.recordsOfPort(port)) {
      boolean idle = record.at("/source/port").asInt() == idlePort;
      if (idle && record.path("direction").asText().equals("outbound")) {
        assertThat(record.path("bytes_sent").asLong()).isEqualTo(4001);
        assertThat(record.path("bytes_received").asLong()).isEqualTo(23);
      }
    }
  }

  @Test
  void connectionsThatEndAsTheyAreLookedAtHaveOneFinalRecordWhichIsTheirLast() throws Exception {
    client.run("from traffic import *; t = Traffic('127.0.0.1', %d)", port);
    client.begin(
        """
        import time
        end, rounds = time.time() + 2.3, 0
        while time.time() < end:
            t.hold(20)
            t.churn(20)
            t.pump(2)
            t.release()
            rounds += 1
        rounds
        """);
    int connections = 100 * client.value().asInt();
    ChildProcess.await(
        "all ends", () -> Optional.of(true).filter(x -> finals().size() >= 2 * connections));
    assertThat(histories()).hasSize(2 * connections);
    histories().forEach(LiveIT::assertHistory);
    JsonNode over = client.run("t.over()");
    for (String side : SIDES) {
      assertThat(Totals.ofRecords(finals(), side))
          .isEqualTo(Totals.ofApplication(over.path(side)))
          .isEqualTo(sums(side));
    }
    assertThat(sidecar.recordsOfPort(port).size()).isGreaterThan(2 * connections);
  }

  @Test
  void aConnectionBeyondFourGibibytesIsLiveToTheByte() throws Exception {
    long total = (4L << 30) + 1_000_003;
    connect(1);
    client.begin(
        """
        piece, left = memoryview(bytearray(1 << 22)), %d
        while left: left -= s[0].send(piece[:left])
        """,
        total);
    server.run(
        """
        piece, left = bytearray(1 << 22), %d
        while left: left -= a[0].recv_into(piece, min(left, len(piece)))
        """,
        total);
    client.value();
    exchange(0, 1, 11);
    assertOpen(1, total + 1, 11);
    int seen = sidecar.recordsOfPort(port).size();
    ChildProcess.await(
        "later records",
        () -> Optional.of(true).filter(x -> sidecar.recordsOfPort(port).size() >= seen + 4));
    client.run("s[0].close()");
    server.run("finish(a[0])");
    ChildProcess.await("the end", () -> Optional.of(true).filter(x -> finals().size() == 2));
    for (List<JsonNode> history : histories()) {
      assertHistory(history);
      for (JsonNode record : List.of(history.get(history.size() - 2), history.getLast())) {
        boolean outbound = record.path("direction").asText().equals("outbound");
        assertThat(record.path("bytes_sent").asLong()).isEqualTo(outbound ? total + 1 : 11);
        assertThat(record.path("bytes_received").asLong()).isEqualTo(outbound ? 11 : total + 1);
      }
    }
  }

  @Test
  void connectionsThatWantTheSameSlotAreToldApart() throws Exception {
    connect(1);
    client.run("taken = slot(s[0])");
    String dial = "s.append(tcp_at_slot('127.0.0.1', taken)); s[-1].connect(('127.0.0.1', %d))";
    for (int i = 1; i < 3; i++) {
      client.run(dial, port);
      server.run("a.append(l.accept()[0])");
    }
    for (int i = 0; i < 3; i++) {
      exchange(i, 101 + i, 211 + i);
    }
    assertOpen(3, 303 + 3, 633 + 3);
    client.run("s[0].close()");
    server.run("finish(a[0])");
    // The slot is free again; those that found it taken stay where they are.
    client.run(dial, port);
    server.run("a.append(l.accept()[0])");
    exchange(3, 104, 214);
    exchange(1, 1, 1);
    int seen = sidecar.recordsOfPort(port).size();
    ChildProcess.await(
        "later records",
        () -> Optional.of(true).filter(x -> sidecar.recordsOfPort(port).size() >= seen + 6));
    for (int i = 1; i < 4; i++) {
      client.run("s[%d].close()", i);
      server.run("finish(a[%d])", i);
    }
    ChildProcess.await("the ends", () -> Optional.of(true).filter(x -> finals().size() == 8));
    assertThat(histories()).hasSize(8);
    histories().forEach(LiveIT::assertHistory);
    assertThat(
            finals().stream()
                .filter(record -> record.path("direction").asText().equals("outbound"))
                .map(record -> record.path("bytes_sent").asLong()))
        .containsExactlyInAnyOrder(101L, 103L, 103L, 104L);
    assertThat(sums("outbound")).isEqualTo(new Totals(4, 4, Map.of(), 411, 851));
    assertThat(sums("inbound")).isEqualTo(new Totals(4, 4, Map.of(), 851, 411));
  }
}
