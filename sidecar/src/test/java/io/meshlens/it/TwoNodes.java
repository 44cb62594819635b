// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * A client and a server in network namespaces of their own, joined by a cable, and a sidecar that
 * watches just the two. The nodes are those of a test class, the peers and the port of a test.
 */
@SuppressWarnings("NullAway.Init") // JUnit has the fields set before it has them used.
final class TwoNodes
    implements BeforeAllCallback, AfterAllCallback, BeforeEachCallback, AfterEachCallback {
  static final String CLIENT = "192.0.2.1";
  static final String SERVER = "192.0.2.2";
  static final String CLIENT6 = "2001:db8::1";
  static final String SERVER6 = "2001:db8::2";

  private static final int PORTS_OF_A_TEST = 10;

  /** Timers that run out in about a second, and no limit to ICMP. */
  private static final Map<String, String> HASTE =
      Map.of(
          "ipv4/tcp_syn_retries", "1",
          "ipv4/tcp_retries2", "1",
          "ipv4/tcp_orphan_retries", "1",
          "ipv4/tcp_fin_timeout", "1",
          "ipv4/icmp_ratelimit", "0",
          "ipv6/icmp/ratelimit", "0");

  private TestCgroup cgroup;
  private NetworkNamespace clientNode;
  private NetworkNamespace serverNode;
  private SidecarProcess sidecar;
  private TcpPeer client;
  private TcpPeer server;
  private int port = 20_000;

  @Override
  public void beforeAll(ExtensionContext context) throws Exception {
    cgroup = new TestCgroup();
    clientNode = new NetworkNamespace();
    serverNode = new NetworkNamespace();
    for (NetworkNamespace node : List.of(clientNode, serverNode)) {
      for (Map.Entry<String, String> setting : HASTE.entrySet()) {
        node.sysctl(setting.getKey(), setting.getValue());
      }
    }
    cable("cable", CLIENT + "/24", SERVER + "/24", CLIENT6 + "/64", SERVER6 + "/64");
    // Retransmissions begin after 60 ms in place of 200.
    clientNode.ip("route change 192.0.2.0/24 dev cable src %s rto_min 60ms".formatted(CLIENT));
    sidecar = SidecarProcess.run("cgroup=" + cgroup.path());
  }

  /** One more cable, with the addresses of its two ends by turns. */
  void cable(String name, String... addresses) throws Exception {
    NetworkNamespace.join(name, clientNode, serverNode);
    for (int i = 0; i < addresses.length; i++) {
      NetworkNamespace node = i % 2 == 0 ? clientNode : serverNode;
      // Duplicate address detection would take a second.
      String flag = addresses[i].contains(":") ? " nodad" : "";
      node.ip("address add %s dev %s%s".formatted(addresses[i], name, flag));
    }
  }

  @Override
  public void beforeEach(ExtensionContext context) throws Exception {
    port += PORTS_OF_A_TEST;
    client = newClient();
    server = newServer();
  }

  @Override
  public void afterEach(ExtensionContext context) throws Exception {
    client.close();
    server.close();
    clientNode.unfilter();
    serverNode.unfilter();
  }

  /** Also after a failure in {@link #beforeAll}, then with some of it missing. */
  @Override
  public void afterAll(ExtensionContext context) throws Exception {
    for (AutoCloseable part : new AutoCloseable[] {sidecar, clientNode, serverNode, cgroup}) {
      if (part != null) {
        part.close();
      }
    }
  }

  NetworkNamespace clientNode() {
    return clientNode;
  }

  NetworkNamespace serverNode() {
    return serverNode;
  }

  TcpPeer client() {
    return client;
  }

  TcpPeer server() {
    return server;
  }

  TcpPeer newClient() throws Exception {
    return new TcpPeer(cgroup.entrance(clientNode));
  }

  TcpPeer newServer() throws Exception {
    return new TcpPeer(cgroup.entrance(serverNode));
  }

  /** The server port of this test, the first of ten that no other test of the class has. */
  int port() {
    return port;
  }

  /** The server's listener is {@code l}. */
  void listen() throws Exception {
    server.run("l = listen('%s', %d)", SERVER, port);
  }

  /** An established connection: {@code s} of the client, {@code a} of the server. */
  void connect() throws Exception {
    listen();
    client.run("s = dial('%s', %d)", SERVER, port);
    server.run("a = l.accept()[0]");
  }

  /** Both nodes lose what comes for the test's port or from it, and count it. */
  void cut() throws Exception {
    clientNode.filter("input", "tcp sport %d counter drop".formatted(port));
    serverNode.filter("input", "tcp dport %d counter drop".formatted(port));
  }

  /** Waits until the nodes have lost so many packets of the client's. */
  void awaitLost(int packets) throws Exception {
    while (serverNode.filtered() < packets) {
      Thread.sleep(10);
    }
  }

  void mend() throws Exception {
    clientNode.unfilter();
    serverNode.unfilter();
  }

  /**
   * Waits for the records of this test's port. They are the given ones and no more, each with an
   * identity of its own, and the sums say the same as all of them together.
   */
  List<JsonNode> expect(Ending... endings) throws Exception {
    return expect(port, endings);
  }

  List<JsonNode> expect(int serverPort, Ending... endings) throws Exception {
    List<JsonNode> records = sidecar.awaitRecords(serverPort, endings.length);
    assertThat(records.stream().map(Ending::of)).containsExactlyInAnyOrder(endings);
    assertIdentities(records);
    assertSums(serverPort, records);
    return records;
  }

  /** Waits for exactly so many records of this test's port, while other connections may live. */
  List<JsonNode> await(int count) throws Exception {
    List<JsonNode> records = sidecar.awaitRecords(port, count);
    assertIdentities(records);
    return records;
  }

  /** Waits for exactly so many records, the last ones of this test's port. */
  List<JsonNode> expect(int count) throws Exception {
    List<JsonNode> records = await(count);
    assertSums(port, records);
    return records;
  }

  /** Has the sidecar find sockets that are gone now and not only within ten seconds. */
  void lookAtOpenSockets() throws Exception {
    sidecar.get("/metrics");
  }

  private static void assertIdentities(List<JsonNode> records) {
    assertThat(records.stream().map(record -> record.path("id").asText())).doesNotHaveDuplicates();
  }

  private void assertSums(int serverPort, List<JsonNode> records) throws Exception {
    String page = sidecar.get("/metrics").body();
    for (String direction : List.of("outbound", "inbound")) {
      List<JsonNode> side =
          records.stream().filter(r -> r.path("direction").asText().equals(direction)).toList();
      Map<String, String> labels =
          Map.of(
              "reporter",
              direction.equals("outbound") ? "source" : "destination",
              "destination_port",
              Integer.toString(serverPort));
      long closed = side.stream().filter(r -> r.path("event").asText().equals("closed")).count();
      assertSum(page, "mesh_tcp_connections_opened_total", labels, closed);
      assertSum(page, "mesh_tcp_connections_closed_total", labels, closed);
      assertSum(page, "mesh_tcp_connections_failed_total", labels, side.size() - closed);
      assertSum(page, "mesh_tcp_io_bytes_total", labels, bytes(side));
    }
  }

  private static long bytes(List<JsonNode> records) {
    return records.stream()
        .mapToLong(r -> r.path("bytes_sent").asLong() + r.path("bytes_received").asLong())
        .sum();
  }

  private static void assertSum(
      String page, String name, Map<String, String> labels, long expected) {
    assertThat(SidecarProcess.sum(page, name, labels))
        .as("%s %s", name, labels)
        .isEqualTo(expected);
  }
}
