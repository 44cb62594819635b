// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Every way to send and receive datagrams: records and sums say what the applications did. */
@RequiresKernel
class UdpIT {
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
    // Datagrams of more than 1472 bytes go in fragments.
    node.ip("link set lo mtu 1500");
    node.ip("link add members type veth peer name cable");
    node.ip("link set members up");
    node.ip("link set cable up");
    node.ip("address add 198.51.100.1/24 dev members");
    sidecar = SidecarProcess.run("cgroup=" + cgroup.path(), "kernel.udp=true");
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
    client = UdpPeers.start(cgroup.entrance(node));
    server = UdpPeers.start(cgroup.entrance(node));
  }

  @AfterEach
  void endPeers() throws Exception {
    client.close();
    server.close();
  }

  private void assertSums(String reporter, long sent, long bytesSent, long received, long bytes)
      throws Exception {
    assertThat(UdpCounts.ofSums(MetricsPage.of(sidecar), reporter, Integer.toString(port)))
        .isEqualTo(new UdpCounts(sent, bytesSent, received, bytes));
  }

  /** The one record of a side, which says the same as the sums. */
  private void assertBoth(
      List<JsonNode> records, String side, long sent, long bytesSent, long received, long bytes)
      throws Exception {
    JsonNode record = SidecarProcess.of(records, side);
    assertThat(UdpCounts.of(record)).isEqualTo(new UdpCounts(sent, bytesSent, received, bytes));
    assertSums(
        side.equals("outbound") ? "source" : "destination", sent, bytesSent, received, bytes);
  }

  @Test
  void connectedSocketsAreCountedToTheByteAndReportedAtTheirClose() throws Exception {
    server.run("s = udp('127.0.0.1', %d)", port);
    client.run("c = udp(); c.connect(('127.0.0.1', %d))", port);
    for (int i = 1; i <= 97; i++) {
      client.run("c.send(bytes(%d))", i);
      server.run("d, a = s.recvfrom(2000); s.sendto(d + d, a)");
      client.run("c.recv(2000)");
    }
    assertSums("source", 97, 97 * 98 / 2, 97, 97 * 98);
    client.run("c.close()");
    server.run("s.close()");
    List<JsonNode> records = sidecar.awaitRecords(port, 2);
    assertBoth(records, "outbound", 97, 97 * 98 / 2, 97, 97 * 98);
    assertBoth(records, "inbound", 97, 97 * 98, 97, 97 * 98 / 2);
    for (JsonNode record : records) {
      assertThat(record.path("event").asText()).isEqualTo("closed");
      assertThat(record.path("protocol").asText()).isEqualTo("udp");
      assertThat(record.path("termination").asText()).isEqualTo("closed");
      assertThat(record.at("/source/address").asText()).isEqualTo("127.0.0.1");
      assertThat(record.at("/destination/address").asText()).isEqualTo("127.0.0.1");
      assertThat(record.at("/process/comm").asText()).isEqualTo("python3");
      assertThat(record.path("duration_ns").asLong()).isPositive();
      // What only TCP has.
      assertThat(record.has("retransmits")).isFalse();
      assertThat(record.has("segments_delivered")).isFalse();
    }
    assertThat(SidecarProcess.of(records, "outbound").at("/process/pid").asLong())
        .isEqualTo(client.pid());
    assertThat(SidecarProcess.of(records, "inbound").at("/process/pid").asLong())
        .isEqualTo(server.pid());
  }

  @Test
  void eachPeerOfAnUnconnectedSocketIsAFlowOfItsOwn() throws Exception {
    server.run("s = udp('0.0.0.0', %d)", port);
    client.run(
        """
        c = [udp() for i in range(101)]
        for i, s in enumerate(c):
            for n in range(i %% 3 + 1): s.sendto(bytes(i), ('127.0.0.1', %d))
        """,
        port);
    server.run("n = echo(s, %d)", 101 * 2 - 1);
    client.run("[take(s, i %% 3 + 1) for i, s in enumerate(c)]");
    long packets = 201;
    long bytes = client.run("sum(i * (i %% 3 + 1) for i in range(101))").asLong();
    assertSums("source", packets, bytes, packets, bytes);
    assertSums("destination", packets, bytes, packets, bytes);
    client.run("[s.close() for s in c]");
    server.run("s.close()");
    // The socket of many flows is reported by a live pass.
    sidecar.get("/metrics");
    List<JsonNode> records = sidecar.awaitRecords(port, 202);
    for (String side : List.of("outbound", "inbound")) {
      List<JsonNode> of =
          records.stream().filter(r -> r.path("direction").asText().equals(side)).toList();
      assertThat(of).hasSize(101).allMatch(r -> r.path("termination").asText().equals("closed"));
      assertThat(UdpCounts.sumOf(of)).isEqualTo(new UdpCounts(packets, bytes, packets, bytes));
    }
    assertThat(records.stream().map(r -> r.path("id").asText())).doesNotHaveDuplicates();
    assertSums("destination", packets, bytes, packets, bytes);
  }

  @Test
  void ipv6IsCountedAndMappedAddressesAreShownAsIpv4() throws Exception {
    server.run("s = udp('::', %d)", port);
    client.run(
        """
        c = udp('::'); c.sendto(bytes(11), ('::1', %1$d))
        m = udp('::'); m.connect(('::ffff:127.0.0.1', %1$d)); m.send(bytes(13))
        v = udp(); v.sendto(bytes(17), ('127.0.0.1', %1$d))
        """,
        port);
    server.run("echo(s, 3)");
    client.run("c.close(); m.close(); v.close()");
    server.run("s.close()");
    sidecar.get("/metrics");
    List<JsonNode> records = sidecar.awaitRecords(port, 6);
    Map<String, Long> sentTo =
        records.stream()
            .filter(r -> r.path("direction").asText().equals("outbound"))
            .collect(
                Collectors.groupingBy(
                    r -> r.at("/destination/address").asText(),
                    Collectors.summingLong(r -> r.path("bytes_sent").asLong())));
    assertThat(sentTo).isEqualTo(Map.of("::1", 11L, "127.0.0.1", 30L));
    assertSums("source", 3, 41, 3, 41);
    assertSums("destination", 3, 41, 3, 41);
  }

  @Test
  void aMulticastIsSentOnceAndReceivedByEachMember() throws Exception {
    server.run(
        """
        def member():
            s = socket(AF_INET, SOCK_DGRAM); s.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
            s.bind(('239.1.2.3', %d)); s.settimeout(5)
            group = inet_aton('239.1.2.3') + inet_aton('198.51.100.1')
            s.setsockopt(IPPROTO_IP, IP_ADD_MEMBERSHIP, group)
            return s
        s = [member(), member()]
        """,
        port);
    client.run(
        """
        c = udp(); c.setsockopt(IPPROTO_IP, IP_MULTICAST_IF, inet_aton('198.51.100.1'))
        for i in range(53): c.sendto(bytes(i), ('239.1.2.3', %d))
        """,
        port);
    server.run("[take(m, 53) for m in s]");
    client.run("c.close()");
    server.run("[m.close() for m in s]");
    List<JsonNode> records = sidecar.awaitRecords(port, 3);
    UdpCounts sent = new UdpCounts(53, 53 * 26, 0, 0);
    UdpCounts received = new UdpCounts(0, 0, 53, 53 * 26);
    assertThat(records.stream().map(UdpCounts::of))
        .containsExactlyInAnyOrder(sent, received, received);
    assertThat(records.stream().map(r -> r.at("/destination/address").asText()))
        .containsOnly("239.1.2.3");
    assertThat(records.stream().map(r -> r.at("/source/address").asText()))
        .containsOnly("198.51.100.1");
  }

  @Test
  void aDatagramThatIsLookedAtBeforeItIsReadCountsOnce() throws Exception {
    server.run("s = udp('127.0.0.1', %d)", port);
    client.run("c = udp(); c.connect(('127.0.0.1', %d))", port);
    client.run("[c.send(bytes(i)) for i in range(1, 32)]");
    server.run("[(s.recv(9, MSG_PEEK), s.recv(9, MSG_PEEK), s.recv(9)) for i in range(31)]");
    client.run("c.close()");
    server.run("s.close()");
    List<JsonNode> records = sidecar.awaitRecords(port, 2);
    assertBoth(records, "outbound", 31, 31 * 16, 0, 0);
    assertBoth(records, "inbound", 0, 0, 31, 31 * 16);
  }

  @Test
  void emptyAndFragmentedDatagramsAreDatagrams() throws Exception {
    server.run("s = udp('::1', %d)", port);
    client.run("c = udp('::1'); c.connect(('::1', %d))", port);
    client.run("[c.send(b'') for i in range(17)]; [c.send(bytes(20_011)) for i in range(3)]");
    assertThat(server.run("sum(len(s.recv(65_535)) for i in range(20))").asLong())
        .isEqualTo(3 * 20_011);
    client.run("c.close()");
    server.run("s.close()");
    List<JsonNode> records = sidecar.awaitRecords(port, 2);
    assertBoth(records, "outbound", 20, 3 * 20_011, 0, 0);
    assertBoth(records, "inbound", 0, 0, 20, 3 * 20_011);
  }

  @Test
  void aLargeSendIsAsManyDatagramsAsItIsCutInto() throws Exception {
    server.run("s = udp('127.0.0.1', %d); g = udp('127.0.0.1', %d)", port, port + 1);
    server.run("g.setsockopt(IPPROTO_UDP, 104, 1)"); // UDP_GRO
    client.run("c = udp(); c.setsockopt(IPPROTO_UDP, 103, 1000)"); // UDP_SEGMENT
    client.run("[c.sendto(bytes(7300), ('127.0.0.1', %d)) for i in range(5)]", port);
    client.run("[c.sendto(bytes(7000), ('127.0.0.1', %d)) for i in range(5)]", port + 1);
    assertThat(server.run("sum(len(s.recv(65_535)) for i in range(40))").asLong())
        .isEqualTo(5 * 7300);
    assertThat(server.run("drain(g)").asLong()).isEqualTo(5 * 7000);
    client.run("c.close()");
    server.run("s.close(); g.close()");
    sidecar.get("/metrics");
    List<JsonNode> records = sidecar.awaitRecords(port, 2);
    assertBoth(records, "outbound", 40, 5 * 7300, 0, 0);
    assertBoth(records, "inbound", 0, 0, 40, 5 * 7300);
    List<JsonNode> whole = sidecar.awaitRecords(port + 1, 2);
    assertThat(whole.stream().map(UdpCounts::of))
        .containsExactlyInAnyOrder(
            new UdpCounts(35, 5 * 7000, 0, 0), new UdpCounts(0, 0, 35, 5 * 7000));
  }

  @Test
  void whatTheSocketsQueueHasNoRoomForIsNotReceived() throws Exception {
    String dropped = "meshlens_udp_not_queued_total";
    long before = MetricsPage.of(sidecar).sum(dropped, Map.of());
    server.run("s = udp('127.0.0.1', %d); s.setsockopt(SOL_SOCKET, SO_RCVBUF, 20_000)", port);
    client.run("c = udp(); c.connect(('127.0.0.1', %d))", port);
    client.run("[c.send(bytes(101)) for i in range(5003)]");
    long bytes = server.run("drain(s)").asLong();
    assertThat(bytes).isPositive().isLessThan(101 * 5003);
    client.run("c.close()");
    server.run("s.close()");
    List<JsonNode> records = sidecar.awaitRecords(port, 2);
    assertBoth(records, "outbound", 5003, 5003 * 101, 0, 0);
    assertBoth(records, "inbound", 0, 0, bytes / 101, bytes);
    assertThat(MetricsPage.of(sidecar).sum(dropped, Map.of()) - before)
        .isEqualTo(5003 - bytes / 101);
  }

  @Test
  void whatNobodyListensForIsSentAndNotReceived() throws Exception {
    client.run("c = udp(); c.connect(('127.0.0.1', %d))", port);
    assertThat(
            client
                .run(
                    """
                    n = 0
                    for i in range(11):
                        try: n += c.send(bytes(7)) // 7
                        except ConnectionRefusedError: pass
                    n
                    """)
                .asInt())
        .isEqualTo(6); // every second one gets the answer to the one before
    client.run("c.close()");
    assertBoth(sidecar.awaitRecords(port, 1), "outbound", 6, 42, 0, 0);
  }

  @Test
  void aPortThatTheKernelGaveOutIsNoAttribute() throws Exception {
    server.run("s = udp('127.0.0.1', 0); s.getsockname()[1]");
    int given = server.run("s.getsockname()[1]").asInt();
    client.run("c = udp('127.0.0.1', 0); c.sendto(bytes(%d), ('127.0.0.1', %d))", port, given);
    server.run("echo(s, 1)");
    MetricsPage page = MetricsPage.of(sidecar);
    assertThat(page.values("mesh_udp_packets_total", "destination_port"))
        .allMatch(p -> Integer.parseInt(p) < 32_768);
    client.run("c.close()");
    server.run("s.close()");
    List<JsonNode> records = sidecar.awaitRecords(given, 2);
    assertThat(UdpCounts.of(SidecarProcess.of(records, "outbound")))
        .isEqualTo(new UdpCounts(1, port, 1, port));
  }

  @Test
  void nothingIsLostUnseen() throws Exception {
    MetricsPage page = MetricsPage.of(sidecar);
    for (String counter :
        Set.of(
            "meshlens_udp_untracked", "meshlens_udp_unreadable", "meshlens_udp_sockets_unknown")) {
      assertThat(page.sum(counter + "_total", Map.of())).as(counter).isZero();
    }
    assertThat(page.sum("meshlens_udp_flows_capacity", Map.of())).isEqualTo(1024 + 32_768);
  }
}
