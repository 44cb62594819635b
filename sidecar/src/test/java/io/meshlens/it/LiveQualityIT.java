// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The quality of an open connection: what a periodic record says is what TCP_INFO tells the
 * application of the same socket, over a cable with faults.
 */
@RequiresKernel
class LiveQualityIT {
  private static final String CLIENT = "192.0.2.1";
  private static final String SERVER = "192.0.2.2";
  private static final int SEGMENTS = 120;

  private static TestCgroup cgroup;
  private static NetworkNamespace clientNode;
  private static NetworkNamespace serverNode;
  private static TcpPeer wire;
  private static SidecarProcess sidecar;
  private static int port = 20_000;

  private TcpPeer client;
  private TcpPeer server;

  @BeforeAll
  static void lay() throws Exception {
    cgroup = new TestCgroup();
    clientNode = new NetworkNamespace();
    serverNode = new NetworkNamespace();
    wire = new TcpPeer(cgroup.entrance(clientNode));
    wire.run("from wire import *; w = Wire('%s', '%s')", file(clientNode), file(serverNode));
    String[] addresses = {CLIENT, SERVER};
    for (NetworkNamespace node : List.of(clientNode, serverNode)) {
      node.ip("link set wire up");
      node.ip("address add %s/24 dev wire".formatted(addresses[node == clientNode ? 0 : 1]));
      node.sysctl("ipv4/tcp_congestion_control", "reno");
      node.sysctl("ipv4/tcp_ecn", "1");
    }
    sidecar = SidecarProcess.run("cgroup=" + cgroup.path(), "access_log.periodic_interval=1s");
  }

  private static String file(NetworkNamespace node) {
    return node.entrance().getLast().substring("--net=".length());
  }

  @AfterAll
  static void takeAway() throws Exception {
    AutoCloseable[] parts = {sidecar, wire, clientNode, serverNode, cgroup};
    for (AutoCloseable part : parts) {
      if (part != null) {
        part.close();
      }
    }
  }

  @BeforeEach
  void connect() throws Exception {
    port++;
    client = new TcpPeer(cgroup.entrance(clientNode));
    server = new TcpPeer(cgroup.entrance(serverNode));
    wire.run("w.plan()");
    server.run("l = listen('%s', %d)", SERVER, port);
    client.run("s = dial('%s', %d)", SERVER, port);
    server.run("a = l.accept()[0]");
  }

  @AfterEach
  void end() throws Exception {
    client.close();
    server.close();
  }

  /** So many full segments to the server, and a short answer; then nothing is under way. */
  private void transfer() throws Exception {
    client.begin("s.sendall(bytes(1448 * %d))", SEGMENTS);
    server.run("take(a, 1448 * %d); a.sendall(bytes(101))", SEGMENTS);
    client.value();
    client.run("take(s, 101); at_rest(s)");
    server.run("at_rest(a)");
  }

  /** The first record of one side that was made since then. */
  private static JsonNode record(String direction, Instant since) throws InterruptedException {
    return ChildProcess.await(
        "a record since " + since,
        () ->
            sidecar.recordsOfPort(port).stream()
                .filter(record -> record.path("direction").asText().equals(direction))
                .filter(record -> Instant.parse(record.path("time").asText()).isAfter(since))
                .findFirst());
  }

  /** Compares the records of the idle connection with TCP_INFO; the record of the client. */
  private JsonNode assertAgreement() throws Exception {
    JsonNode clients = client.run("info(s)");
    JsonNode servers = server.run("info(a)");
    Instant idle = Instant.now();
    JsonNode record = record("outbound", idle);
    assertAgreement(record, clients);
    assertAgreement(record("inbound", idle), servers);
    assertThat(client.run("info(s)")).as("idle").isEqualTo(clients);
    assertThat(server.run("info(a)")).as("idle").isEqualTo(servers);
    return record;
  }

  private static void assertAgreement(JsonNode record, JsonNode info) {
    assertThat(record.path("event").asText()).isEqualTo("periodic");
    for (Map.Entry<String, JsonNode> field : info.properties()) {
      assertThat(record.path(field.getKey()).asLong())
          .as("%s of %s", field.getKey(), record)
          .isEqualTo(field.getValue().asLong());
    }
  }

  @Test
  void roundTripTimesOfALongCable() throws Exception {
    wire.run("w.plan(delay=0.01)");
    transfer();
    JsonNode record = assertAgreement();
    // It grows from that of the handshake, which was faster.
    assertThat(record.path("rtt_us").asLong()).isBetween(15_000L, 100_000L);
    assertThat(record.path("min_rtt_us").asLong()).isBetween(1L, 15_000L);
    assertThat(record.path("retransmits").asLong(-1)).isZero();
    assertThat(record.path("segments_lost").asLong(-1)).isZero();
  }

  @Test
  void segmentsThatWereLostAndSentAgain() throws Exception {
    wire.run("w.plan(delay=0.005, lose=[20, 21, 47, 80])");
    transfer();
    assertThat(wire.run("w.lost").asLong()).isEqualTo(4);
    JsonNode record = assertAgreement();
    assertThat(record.path("retransmits").asLong()).isEqualTo(4);
    assertThat(record.path("bytes_retransmitted").asLong()).isEqualTo(4 * 1448);
    // The kernel's sum of segments marked lost is not in TCP_INFO; none but these were.
    assertThat(record.path("segments_lost").asLong()).isEqualTo(4);
  }

  @Test
  void segmentsThatOvertakeEachOther() throws Exception {
    wire.run("w.plan(delay=0.005, swap=[30, 60, 90])");
    transfer();
    assertThat(assertAgreement().path("reordering_events").asLong()).isPositive();
  }

  @Test
  void segmentsThatARouterMarked() throws Exception {
    wire.run("w.plan(delay=0.005, mark=[10, 11, 12, 70])");
    transfer();
    assertThat(wire.run("w.marked").asLong()).isEqualTo(4);
    JsonNode record = assertAgreement();
    assertThat(record.path("ecn_ce_segments").asLong()).isPositive();
    assertThat(record.path("retransmits").asLong(-1)).isZero();
  }

  @Test
  void timeoutsOfACableThatWasCut() throws Exception {
    transfer();
    wire.run("w.dark = True");
    client.run("s.sendall(bytes(503)); until(lambda: info(s)['timeouts'] == 1)");
    wire.run("w.dark = False");
    server.run("take(a, 503)");
    transfer();
    assertThat(assertAgreement().path("timeouts").asLong()).isBetween(1L, 2L);
  }

  @Test
  void timeThatAReaderHoldsTheSenderBack() throws Exception {
    client.run(
        """
        s.settimeout(0.1)
        try:
            while True: s.send(bytes(1 << 16))
        except TimeoutError: pass
        until(lambda: info(s)['rwnd_limited_us'] > 500_000)
        """);
    long before = rwndLimitedUs();
    long live = record("outbound", Instant.now()).path("rwnd_limited_us").asLong();
    assertThat(live).isBetween(before, rwndLimitedUs());
    server.run("a.settimeout(0.2)\ntry: drain(a)\nexcept TimeoutError: at_rest(a)");
    client.run("at_rest(s)");
    assertThat(assertAgreement().path("rwnd_limited_us").asLong()).isGreaterThan(live);
  }

  private long rwndLimitedUs() throws Exception {
    return client.run("info(s)").path("rwnd_limited_us").asLong();
  }
}
