// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static io.meshlens.it.Ending.failed;
import static io.meshlens.it.Ending.inbound;
import static io.meshlens.it.Ending.outbound;
import static io.meshlens.it.TwoNodes.CLIENT;
import static io.meshlens.it.TwoNodes.SERVER;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Multipath TCP (RFC 8684): each subflow is a connection of its own, and all of them together carry
 * what the application wrote, once.
 */
@RequiresKernel
class MptcpIT {
  private static final String CLIENT_2 = "198.51.100.1";
  private static final String SERVER_2 = "198.51.100.2";

  @RegisterExtension static final TwoNodes nodes = new TwoNodes();

  private TcpPeer client;
  private TcpPeer server;
  private int port;

  @BeforeAll
  static void secondPath() throws Exception {
    nodes.cable("second", CLIENT_2 + "/24", SERVER_2 + "/24");
    for (NetworkNamespace node : List.of(nodes.clientNode(), nodes.serverNode())) {
      node.sysctl("mptcp/enabled", "1");
    }
  }

  @BeforeEach
  void peers() {
    client = nodes.client();
    server = nodes.server();
    port = nodes.port();
  }

  private void connect() throws Exception {
    server.run("l = listen('0.0.0.0', %d, protocol=MPTCP)", port);
    client.run("s = dial('%s', %d, protocol=MPTCP)", SERVER, port);
    server.run("a = l.accept()[0]");
  }

  /**
   * Bytes go both ways, and the client closes first. What MPTCP sent twice, in place of a subflow
   * that seems to stall, is payload to the TCP below.
   */
  private Repeated exchange(int there, int back) throws Exception {
    client.begin("s.sendall(bytes(%d)); s.shutdown(SHUT_WR); drain(s)", there);
    assertThat(server.run("drain(a)").asLong()).isEqualTo(there);
    server.run("a.sendall(bytes(%d)); a.shutdown(SHUT_WR)", back);
    assertThat(client.value().asLong()).isEqualTo(back);
    Repeated repeated =
        new Repeated(client.run("reinjected(s)").asLong(), server.run("reinjected(a)").asLong());
    client.run("s.close()");
    server.run("a.close()");
    return repeated;
  }

  private record Repeated(long byClient, long byServer) {}

  @Test
  void aSingleSubflowIsAConnectionWithTheApplicationsBytes() throws Exception {
    connect();
    Repeated repeated = exchange(1_009, 100_003);
    long sent = 1_009 + repeated.byClient();
    long received = 100_003 + repeated.byServer();
    List<JsonNode> records =
        nodes.expect(outbound("fin_local", sent, received), inbound("fin_remote", received, sent));
    assertThat(SidecarProcess.of(records, "outbound").at("/process/pid").asLong())
        .isEqualTo(client.pid());
    assertThat(SidecarProcess.of(records, "inbound").at("/process/pid").asLong())
        .isEqualTo(server.pid());
  }

  @Test
  void aServerThatSpeaksOnlyTcpMakesItAPlainConnection() throws Exception {
    nodes.listen();
    client.run("s = dial('%s', %d, protocol=MPTCP)", SERVER, port);
    server.run("a = l.accept()[0]");
    exchange(10_007, 211);
    nodes.expect(outbound("fin_local", 10_007, 211), inbound("fin_remote", 211, 10_007));
  }

  /** A connection with a second subflow, over the second cable. */
  private void connectTwice() throws Exception {
    nodes.clientNode().ip("mptcp limits set subflows 2 add_addr_accepted 2");
    nodes.serverNode().ip("mptcp limits set subflows 2");
    nodes.serverNode().ip("mptcp endpoint add %s dev second signal".formatted(SERVER_2));
    connect();
    // The server names its second address once data has come.
    client.run("s.sendall(bytes(1_009))");
    server.run("take(a, 1_009); until(lambda: subflows(a) == 1)");
    client.run("until(lambda: subflows(s) == 1)");
  }

  @AfterEach
  void onePath() throws Exception {
    nodes.clientNode().ip("mptcp endpoint flush");
    nodes.serverNode().ip("mptcp endpoint flush");
  }

  @Test
  void bytesOfTwoSubflowsTogetherAreTheApplications() throws Exception {
    connectTwice();
    Repeated repeated = exchange(1_000_003, 700_001);
    long sent = 1_009 + 1_000_003 + repeated.byClient();
    long received = 700_001 + repeated.byServer();

    List<JsonNode> records = nodes.expect(4);
    List<Ending> endings = records.stream().map(Ending::of).toList();
    List<Ending> outbound = endings.stream().filter(e -> e.direction().equals("outbound")).toList();
    assertThat(outbound).hasSize(2);
    assertThat(outbound.stream().mapToLong(Ending::bytesSent).sum()).isEqualTo(sent);
    assertThat(outbound.stream().mapToLong(Ending::bytesReceived).sum()).isEqualTo(received);
    for (Ending end : outbound) {
      long there = end.bytesSent();
      long back = end.bytesReceived();
      assertThat(end).isEqualTo(outbound("fin_local", there, back));
      assertThat(endings).contains(inbound("fin_remote", back, there));
    }
    assertThat(records.stream().map(record -> record.at("/source/address").asText()).distinct())
        .containsExactlyInAnyOrder(CLIENT, CLIENT_2);
  }

  @Test
  void aSubflowThatTheKernelJoinsIsNotAProcessOfTheKernels() throws Exception {
    connectTwice();
    exchange(0, 0);
    JsonNode joined =
        nodes.expect(4).stream()
            .filter(record -> record.path("direction").asText().equals("outbound"))
            .filter(record -> record.at("/source/address").asText().equals(CLIENT_2))
            .findFirst()
            .orElseThrow();
    assertThat(joined.at("/process/pid").asLong(client.pid())).isEqualTo(client.pid());
    assertThat(joined.at("/process/comm").asText("python3")).isEqualTo("python3");
  }

  @Test
  void aSubflowThatIsRefusedIsAFailedConnection() throws Exception {
    nodes.clientNode().ip("mptcp limits set subflows 2 add_addr_accepted 2");
    nodes.serverNode().ip("mptcp endpoint add %s dev second signal".formatted(SERVER_2));
    server.run("l = listen('%s', %d, protocol=MPTCP)", SERVER, port);
    client.run("s = dial('%s', %d, protocol=MPTCP)", SERVER, port);
    server.run("a = l.accept()[0]");
    client.run("s.sendall(bytes(1))");
    server.run("take(a, 1)");
    nodes.await(1);
    Repeated repeated = exchange(1_013, 17);
    long sent = 1_014 + repeated.byClient();
    long received = 17 + repeated.byServer();
    nodes.expect(
        failed("refused", "ECONNREFUSED"),
        outbound("fin_local", sent, received),
        inbound("fin_remote", received, sent));
  }

  @Test
  void aSubflowThatLeavesEndsWhileTheOtherGoesOn() throws Exception {
    connectTwice();
    nodes.clientNode().ip("mptcp endpoint delete id 0 " + CLIENT);
    assertThat(nodes.await(2).stream().map(Ending::of))
        .containsExactlyInAnyOrder(
            outbound("fin_local", 1_009, 0), inbound("fin_remote", 0, 1_009));
    Repeated repeated = exchange(1_000_003, 700_001);
    long sent = 1_000_003 + repeated.byClient();
    long received = 700_001 + repeated.byServer();
    nodes.expect(
        outbound("fin_local", 1_009, 0),
        inbound("fin_remote", 0, 1_009),
        outbound("fin_local", sent, received),
        inbound("fin_remote", received, sent));
  }

  @Test
  void lingerZeroResetsEverySubflow() throws Exception {
    connectTwice();
    client.run("reset(s)");
    assertThat(server.fail("drain(a)")).isEqualTo("ECONNRESET");
    server.run("a.close()");
    nodes.expect(
        outbound("reset_local", 1_009, 0),
        inbound("reset_remote", 0, 1_009),
        outbound("reset_local", 0, 0),
        inbound("reset_remote", 0, 0));
  }
}
