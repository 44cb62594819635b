// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A client and a server with a router between them, on which the sidecar runs as it does on a node;
 * the rules are the ground truth, and what both applications see of each other.
 */
@RequiresKernel
class AddressTranslationIT {
  private static final String CLIENT = "10.81.1.1";
  private static final String SERVER = "10.81.2.1";
  private static final String ROUTER_AT_SERVER = "10.81.2.254";
  private static final String VIRTUAL = "10.96.0.1";
  private static final int VIRTUAL_PORT = 80;
  private static final int PORT = 8081;

  private NetworkNamespace clientNode;
  private NetworkNamespace router;
  private NetworkNamespace serverNode;
  private TestCgroup cgroup;
  private SidecarProcess sidecar;
  private TcpPeer client;
  private TcpPeer server;

  @BeforeEach
  void build() throws Exception {
    cgroup = new TestCgroup();
    clientNode = new NetworkNamespace();
    router = new NetworkNamespace();
    serverNode = new NetworkNamespace();
    NetworkNamespace.join("left", clientNode, router);
    NetworkNamespace.join("right", serverNode, router);
    clientNode.ip("addr add " + CLIENT + "/24 dev left");
    router.ip("addr add 10.81.1.254/24 dev left");
    serverNode.ip("addr add " + SERVER + "/24 dev right");
    router.ip("addr add " + ROUTER_AT_SERVER + "/24 dev right");
    clientNode.ip("route add default via 10.81.1.254");
    serverNode.ip("route add default via " + ROUTER_AT_SERVER);
    router.sysctl("ipv4/ip_forward", "1");
    sidecar = SidecarProcess.runAt(router.entrance(), "cgroup=" + cgroup.path());
    client = new TcpPeer(cgroup.entrance(clientNode));
    server = new TcpPeer(cgroup.entrance(serverNode));
  }

  @AfterEach
  void takeDown() throws Exception {
    client.close();
    server.close();
    sidecar.close();
    clientNode.close();
    router.close();
    serverNode.close();
    cgroup.close();
  }

  private static void translate(NetworkNamespace where, String hook, String rule) throws Exception {
    where.run(
        "nft",
        """
        table ip translation {
          chain %1$s {
            type nat hook %1$s priority 0
            %2$s
          }
        }
        """
            .formatted(hook, rule));
  }

  /** One connection of 17 bytes; what the server sees of the client. */
  private JsonNode exchange(String address, int port) throws Exception {
    server.run("l = listen('%s', %d)", SERVER, PORT);
    client.run("s = dial('%s', %d); s.sendall(bytes(17))", address, port);
    JsonNode peer = server.run("a, peer = l.accept(); a.recv(17, 256); peer");
    client.run("s.close()");
    server.run("a.close(); l.close()");
    return peer;
  }

  private JsonNode record(String direction) throws Exception {
    ChildProcess.await(
        "two records",
        () ->
            sidecar.records(r -> true).size() >= 2
                ? java.util.Optional.of(true)
                : java.util.Optional.empty());
    List<JsonNode> records = sidecar.records(r -> true);
    assertThat(records).hasSize(2);
    return SidecarProcess.of(records, direction);
  }

  private static void assertEnd(JsonNode end, String address, int port) {
    assertThat(end.path("address").asText()).as("%s", end).isEqualTo(address);
    assertThat(end.path("port").asInt()).as("%s", end).isEqualTo(port);
  }

  private static void assertOriginal(JsonNode end, String address, int port) {
    assertThat(end.path("original_address").asText()).as("%s", end).isEqualTo(address);
    assertThat(end.path("original_port").asInt()).as("%s", end).isEqualTo(port);
  }

  @Test
  void destinationTranslatedByTheClientsOwnNodeIsKnownFromItsNamespace() throws Exception {
    translate(
        clientNode,
        "output",
        "ip daddr %s tcp dport %d dnat to %s:%d".formatted(VIRTUAL, VIRTUAL_PORT, SERVER, PORT));
    exchange(VIRTUAL, VIRTUAL_PORT);
    assertEnd(record("outbound").path("destination"), SERVER, PORT);
    assertOriginal(record("outbound").path("destination"), VIRTUAL, VIRTUAL_PORT);
    assertEnd(record("inbound").path("destination"), SERVER, PORT);
  }

  @Test
  void destinationTranslatedOnTheWayIsKnownFromTheSidecarsNamespaceToBothSides() throws Exception {
    translate(
        router,
        "prerouting",
        "ip daddr %s tcp dport %d dnat to %s:%d".formatted(VIRTUAL, VIRTUAL_PORT, SERVER, PORT));
    exchange(VIRTUAL, VIRTUAL_PORT);
    for (String direction : List.of("outbound", "inbound")) {
      JsonNode record = record(direction);
      assertEnd(record.path("destination"), SERVER, PORT);
      assertOriginal(record.path("destination"), VIRTUAL, VIRTUAL_PORT);
      assertThat(record.path("source").path("address").asText()).isEqualTo(CLIENT);
      assertThat(record.path("source").has("original_address")).isFalse();
    }
  }

  @Test
  void clientBehindAMasqueradeIsTheOriginalSource() throws Exception {
    translate(router, "postrouting", "oifname right masquerade");
    JsonNode peer = exchange(SERVER, PORT);
    assertThat(peer.get(0).asText()).isEqualTo(ROUTER_AT_SERVER);
    JsonNode inbound = record("inbound");
    assertEnd(inbound.path("source"), ROUTER_AT_SERVER, peer.get(1).asInt());
    assertOriginal(inbound.path("source"), CLIENT, record("outbound").at("/source/port").asInt());
    assertThat(inbound.path("destination").has("original_address")).isFalse();
    assertThat(record("outbound").path("destination").has("original_address")).isFalse();
  }

  @Test
  void untranslatedConnectionHasNoOriginalAddresses() throws Exception {
    translate(router, "prerouting", "ip daddr 10.96.0.2 dnat to " + SERVER);
    exchange(SERVER, PORT);
    for (String direction : List.of("outbound", "inbound")) {
      JsonNode record = record(direction);
      assertEnd(record.path("destination"), SERVER, PORT);
      assertThat(record.path("destination").has("original_address")).isFalse();
      assertThat(record.path("source").has("original_address")).isFalse();
    }
  }
}
