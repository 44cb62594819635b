// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static io.meshlens.it.Ending.inbound;
import static io.meshlens.it.Ending.outbound;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Sockets that are older than the sidecar; each test has its own among them. */
@RequiresKernel
class AdoptionIT {
  private static final List<String> SIDES = List.of("outbound", "inbound");
  private static final int HALF_CLOSED = 20_010;
  private static final int LISTENER_GONE = 20_011;
  private static final int SENT_TWICE = 20_012;
  private static final int REFUSED = 20_013;
  private static final int ANSWERED_LATE = 20_014;
  private static final int NEVER_ACCEPTED = 20_015;
  private static final int NEVER_ACCEPTED6 = 20_016;
  private static final int BELOW = 20_017;
  private static final int OUTSIDE = 20_018;
  private static final int HALF_OUTSIDE = 20_019;
  private static final int BUSY = 20_020;

  /** Where the servers of the directions' test listen, and what their clients dial. */
  private static final Map<Integer, List<String>> ADDRESSES =
      Map.of(
          20_000, List.of("0.0.0.0", "127.0.0.1"),
          20_001, List.of("::", "127.0.0.1"),
          20_002, List.of("::", "::1"),
          20_003, List.of("::1", "::1"),
          20_004, List.of("127.0.0.1", "127.0.0.1"));

  private static final Deque<AutoCloseable> parts = new ArrayDeque<>();
  private static TestCgroup cgroup;
  private static NetworkNamespace node;
  private static Pair elsewhere;
  private static Pair here;
  private static Pair below;
  private static Pair outside;
  private static TcpPeer busy;
  private static int portHere;
  private static SidecarProcess sidecar;

  /** A client and a server with connections by port: {@code s[port]} and {@code a[port]}. */
  private record Pair(TcpPeer client, TcpPeer server) {
    static Pair of(List<String> entrance) throws Exception {
      TcpPeer client = new TcpPeer(new ArrayList<>(entrance));
      parts.push(client);
      TcpPeer server = new TcpPeer(new ArrayList<>(entrance));
      parts.push(server);
      client.run("s = {}");
      server.run("l = {}; a = {}");
      return new Pair(client, server);
    }

    void connect(int port, String listen, String dial) throws Exception {
      server.run("l[%1$d] = listen('%2$s', %1$d)", port, listen);
      client.run("s[%1$d] = dial('%2$s', %1$d)", port, dial);
      server.run("a[%1$d] = l[%1$d].accept()[0]", port);
    }

    void connect(int port) throws Exception {
      connect(port, "127.0.0.1", "127.0.0.1");
    }

    void exchange(int port, long there, long back) throws Exception {
      client.begin("s[%d].sendall(bytes(%d))", port, there);
      server.run("take(a[%d], %d)", port, there);
      client.value();
      server.begin("a[%d].sendall(bytes(%d))", port, back);
      client.run("take(s[%d], %d)", port, back);
      server.value();
    }

    void close(int port) throws Exception {
      client.run("s[%d].close()", port);
      server.run("finish(a[%d])", port);
    }
  }

  @BeforeAll
  static void openSocketsThenStart() throws Exception {
    cgroup = new TestCgroup();
    parts.push(cgroup);
    Path directoryBelow = Files.createDirectory(cgroup.path().resolve("below"));
    parts.push(() -> Files.delete(directoryBelow));
    node = new NetworkNamespace();
    parts.push(node);
    elsewhere = Pair.of(cgroup.entrance(node));
    here = Pair.of(cgroup.entrance());
    List<String> entrance = new ArrayList<>(cgroup.entrance(node));
    entrance.replaceAll(word -> word.replace(cgroup.path() + "/", directoryBelow + "/"));
    below = Pair.of(entrance);
    outside = Pair.of(node.entrance());
    openConnections();
    openOddities();
    busy = new TcpPeer(cgroup.entrance(node));
    parts.push(busy);
    busy.run(
        """
        from traffic import *
        t = Traffic('127.0.0.1', %d)
        t.hold(100)
        t.pump(1)
        stop = threading.Event()
        def pump():
            while not stop.is_set(): t.pump(1)
        pumping = threading.Thread(target=pump)
        pumping.start()
        """,
        BUSY);
    sidecar = SidecarProcess.run("cgroup=" + cgroup.path());
    parts.push(sidecar);
    node.unfilter();
    busy.run("stop.set(); pumping.join()");
  }

  private static void openConnections() throws Exception {
    for (Map.Entry<Integer, List<String>> addresses : ADDRESSES.entrySet()) {
      elsewhere.connect(
          addresses.getKey(), addresses.getValue().getFirst(), addresses.getValue().getLast());
      elsewhere.exchange(addresses.getKey(), 1009, 17);
    }
    portHere = here.server().run("free = listen('127.0.0.1', 0); free.getsockname()[1]").asInt();
    here.server().run("free.close()");
    here.connect(portHere);
    here.exchange(portHere, 1013, 19);
    below.connect(BELOW);
    outside.connect(OUTSIDE);
    new Pair(outside.client(), elsewhere.server()).connect(HALF_OUTSIDE);
  }

  private static void openOddities() throws Exception {
    elsewhere.connect(LISTENER_GONE);
    elsewhere.server().run("l[%d].close()", LISTENER_GONE);
    elsewhere.server().run("l[%1$d] = listen('127.0.0.1', %1$d)", NEVER_ACCEPTED);
    elsewhere.server().run("l[%1$d] = listen('::', %1$d)", NEVER_ACCEPTED6);
    elsewhere.server().run("l[%1$d] = listen('127.0.0.1', %1$d)", ANSWERED_LATE);

    elsewhere.connect(HALF_CLOSED);
    elsewhere.exchange(HALF_CLOSED, 101, 103);
    elsewhere.client().run("s[%d].shutdown(SHUT_WR)", HALF_CLOSED);
    assertThat(elsewhere.server().run("drain(a[%d])", HALF_CLOSED).asLong()).isZero();

    elsewhere.connect(SENT_TWICE);
    node.filter("input", "tcp dport %d-%d drop".formatted(SENT_TWICE, ANSWERED_LATE));
    elsewhere
        .client()
        .run(
            """
            k = s[%d]
            k.sendall(bytes(509))
            until(lambda: info(k)['timeouts'] == 1)
            """,
            SENT_TWICE);
    node.unfilter();
    elsewhere.server().run("take(a[%d], 509)", SENT_TWICE);
    elsewhere.client().run("at_rest(k)");
    assertThat(elsewhere.client().run("info(k)").path("bytes_retransmitted").asLong()).isPositive();
    node.filter("input", "tcp dport %d-%d drop".formatted(REFUSED, ANSWERED_LATE));
    for (int port : List.of(REFUSED, ANSWERED_LATE)) {
      elsewhere.client().run("s[%1$d] = dial_later(tcp('127.0.0.1'), '127.0.0.1', %1$d)", port);
    }
  }

  @AfterAll
  static void end() throws Exception {
    while (!parts.isEmpty()) {
      parts.pop().close();
    }
  }

  private static Totals sums(String side, int port) throws Exception {
    return Totals.ofSums(
        MetricsPage.of(sidecar), side, Map.of("destination_port", Integer.toString(port)));
  }

  /** Waits for these records of a port and no more. */
  private static List<JsonNode> expect(int port, Ending... endings) throws Exception {
    List<JsonNode> records = sidecar.awaitRecords(port, endings.length);
    assertThat(records.stream().map(Ending::of)).containsExactlyInAnyOrder(endings);
    return records;
  }

  private static void assertAge(List<JsonNode> records) {
    for (JsonNode record : records) {
      for (String unknown : List.of("start_time", "duration_ns", "connect_ns")) {
        assertThat(record.has(unknown)).as("%s: %s", unknown, record).isFalse();
      }
    }
  }

  private static void assertOwner(JsonNode record, TcpPeer peer) {
    assertThat(record.at("/process/pid").asLong()).as("%s", record).isEqualTo(peer.pid());
    assertThat(record.at("/process/comm").asText()).isEqualTo("python3");
  }

  private static List<JsonNode> assertAdopted(Pair pair, int port) throws Exception {
    assertThat(sums("outbound", port)).isEqualTo(new Totals(1, 0, Map.of(), 0, 0));
    pair.exchange(port, 211, 5003);
    assertThat(sums("outbound", port)).isEqualTo(new Totals(1, 0, Map.of(), 211, 5003));
    assertThat(sums("inbound", port)).isEqualTo(new Totals(1, 0, Map.of(), 5003, 211));
    pair.close(port);
    List<JsonNode> records =
        expect(port, outbound("fin_local", 211, 5003), inbound("fin_remote", 5003, 211));
    assertAge(records);
    assertOwner(SidecarProcess.of(records, "outbound"), pair.client());
    assertOwner(SidecarProcess.of(records, "inbound"), pair.server());
    assertThat(sums("outbound", port)).isEqualTo(new Totals(1, 1, Map.of(), 211, 5003));
    assertThat(sums("inbound", port)).isEqualTo(new Totals(1, 1, Map.of(), 5003, 211));
    return records;
  }

  @Test
  void aConnectionOfThisNamespaceIsCountedFromTheStartOn() throws Exception {
    assertAdopted(here, portHere);
  }

  @Test
  void connectionsOfAnotherNamespaceAreCountedFromTheStartOnAndKnowTheirDirection()
      throws Exception {
    for (Map.Entry<Integer, List<String>> addresses : ADDRESSES.entrySet()) {
      for (JsonNode record : assertAdopted(elsewhere, addresses.getKey())) {
        String dialled = addresses.getValue().getLast();
        assertThat(record.at("/source/address").asText()).isEqualTo(dialled);
        assertThat(record.at("/destination/address").asText()).isEqualTo(dialled);
      }
    }
  }

  /** As of nc -l and of servers under inetd. */
  @Test
  void theSideThatAcceptedIsInboundAlsoWhenNobodyListensAnyMore() throws Exception {
    assertAdopted(elsewhere, LISTENER_GONE);
  }

  @Test
  void manyConnectionsThatStayBusyAreExactFromTheFirstLookOn() throws Exception {
    MetricsPage first = MetricsPage.of(sidecar);
    JsonNode before = busy.run("t.open_now()");
    JsonNode over = busy.run("t.pump(2); t.release(); t.over()");
    List<JsonNode> records = sidecar.awaitRecords(BUSY, 200);
    assertAge(records);
    MetricsPage last = MetricsPage.of(sidecar);
    Map<String, String> ofPort = Map.of("destination_port", Integer.toString(BUSY));
    for (String side : SIDES) {
      Totals start = Totals.ofSums(first, side, ofPort);
      Totals end = Totals.ofSums(last, side, ofPort);
      Totals countedBefore = Totals.ofApplication(before.path(side));
      Totals counted = Totals.ofApplication(over.path(side));
      assertThat(start.opened()).isEqualTo(100);
      assertThat(start.sent()).isPositive().isLessThan(countedBefore.sent());
      assertThat(end.sent() - start.sent()).isEqualTo(counted.sent() - countedBefore.sent());
      assertThat(end.received() - start.received())
          .isEqualTo(counted.received() - countedBefore.received());
      assertThat(Totals.ofRecords(records, side)).isEqualTo(end);
    }
    assertThat(last.sum("mesh_tcp_connections_active", ofPort)).isZero();
  }

  @Test
  void aConnectionOfWhichOneHalfIsClosedIsAdopted() throws Exception {
    assertThat(sums("inbound", HALF_CLOSED)).isEqualTo(new Totals(1, 0, Map.of(), 0, 0));
    elsewhere.server().run("a[%1$d].sendall(bytes(307)); a[%1$d].close()", HALF_CLOSED);
    assertThat(elsewhere.client().run("finish(s[%d])", HALF_CLOSED).asLong()).isEqualTo(307);
    assertAge(expect(HALF_CLOSED, outbound("fin_local", 0, 307), inbound("fin_remote", 307, 0)));
  }

  @Test
  void whatWasSentTwiceBeforeTheStartIsNotCounted() throws Exception {
    elsewhere.exchange(SENT_TWICE, 11, 13);
    elsewhere.close(SENT_TWICE);
    JsonNode record =
        SidecarProcess.of(
            expect(SENT_TWICE, outbound("fin_local", 11, 13), inbound("fin_remote", 13, 11)),
            "outbound");
    List<String> counts =
        List.of("retransmits", "bytes_retransmitted", "timeouts", "segments_lost");
    for (String count : counts) {
      assertThat(record.path(count).asLong(-1)).as("%s: %s", count, record).isZero();
    }
    // 11 bytes and the FIN.
    assertThat(record.path("segments_delivered").asLong()).as("%s", record).isEqualTo(2);
  }

  private static void assertSynRetransmits(JsonNode record) {
    assertThat(record.path("syn_retransmits").asLong())
        .as("part of retransmits: %s", record)
        .isLessThanOrEqualTo(record.path("retransmits").asLong());
  }

  @Test
  void anAttemptUnderWayIsAdopted() throws Exception {
    JsonNode outcome = elsewhere.client().run("outcome_of(s[%d])", REFUSED);
    assertThat(outcome.asText()).isEqualTo("ECONNREFUSED");
    List<JsonNode> records = expect(REFUSED, Ending.failed("refused", "ECONNREFUSED"));
    assertAge(records);
    assertOwner(records.getFirst(), elsewhere.client());
    assertThat(sums("outbound", REFUSED))
        .isEqualTo(new Totals(0, 0, Map.of("ECONNREFUSED", 1L), 0, 0));
    assertSynRetransmits(records.getFirst());
  }

  @Test
  void anAttemptUnderWayBecomesAConnection() throws Exception {
    assertThat(elsewhere.client().run("outcome_of(s[%d])", ANSWERED_LATE).isNull()).isTrue();
    elsewhere.server().run("a[%1$d] = l[%1$d].accept()[0]", ANSWERED_LATE);
    elsewhere.exchange(ANSWERED_LATE, 223, 29);
    elsewhere.close(ANSWERED_LATE);
    List<JsonNode> records =
        expect(ANSWERED_LATE, outbound("fin_local", 223, 29), inbound("fin_remote", 29, 223));
    JsonNode record = SidecarProcess.of(records, "outbound");
    assertAge(List.of(record));
    assertOwner(record, elsewhere.client());
    assertThat(SidecarProcess.of(records, "inbound").has("start_time")).isTrue();
    assertSynRetransmits(record);
  }

  @Test
  void anOlderListenerIsTheOwnerOfConnectionsThatItNeverAccepts() throws Exception {
    for (int port : List.of(NEVER_ACCEPTED, NEVER_ACCEPTED6)) {
      elsewhere.client().run("k = dial('127.0.0.1', %d); k.sendall(bytes(5)); reset(k)", port);
      List<JsonNode> records =
          expect(port, outbound("reset_local", 5, 0), inbound("reset_remote", 0, 5));
      assertOwner(SidecarProcess.of(records, "inbound"), elsewhere.server());
    }
  }

  @Test
  void onlySocketsOfTheWatchedCgroupAndBelowAreAdopted() throws Exception {
    assertAdopted(below, BELOW);
    new Pair(outside.client(), elsewhere.server()).close(HALF_OUTSIDE);
    List<JsonNode> records = expect(HALF_OUTSIDE, inbound("fin_remote", 0, 0));
    assertOwner(records.getFirst(), elsewhere.server());
    outside.close(OUTSIDE);
    for (String side : SIDES) {
      assertThat(sums(side, OUTSIDE)).isEqualTo(new Totals(0, 0, Map.of(), 0, 0));
    }
    assertThat(sidecar.recordsOfPort(OUTSIDE)).isEmpty();
  }

  @Test
  void readyzSaysThatProcessesOfOtherPidNamespacesAreNotLookedAt() throws Exception {
    List<String> alone = List.of("unshare", "--pid", "--fork", "--kill-child=TERM", "--mount-proc");
    try (TestCgroup cgroup = new TestCgroup()) {
      String watched = "cgroup=" + cgroup.path();
      try (SidecarProcess sidecar = SidecarProcess.run(watched, "kernel.pin_path=off")) {
        assertThat(sidecar.get("/readyz").body()).doesNotContain("hostPID");
      }
      try (SidecarProcess sidecar = SidecarProcess.runAt(alone, watched, "kernel.pin_path=off")) {
        assertThat(sidecar.get("/readyz").body()).contains("adoption").contains("hostPID");
      }
    }
  }
}
