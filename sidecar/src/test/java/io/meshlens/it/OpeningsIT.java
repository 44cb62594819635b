// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static io.meshlens.it.Ending.inbound;
import static io.meshlens.it.Ending.outbound;
import static io.meshlens.it.TwoNodes.CLIENT;
import static io.meshlens.it.TwoNodes.SERVER;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Rare ways a connection begins: without a listener, with data, on a port that was just used. */
@RequiresKernel
class OpeningsIT {
  @RegisterExtension static final TwoNodes nodes = new TwoNodes();

  private TcpPeer client;
  private TcpPeer server;
  private int port;

  @BeforeEach
  void peers() {
    client = nodes.client();
    server = nodes.server();
    port = nodes.port();
  }

  @Test
  void aSocketThatConnectsToItselfIsOneOutboundConnection() throws Exception {
    client.run(
        """
        s = tcp('%1$s')
        s.bind(('%1$s', %2$d))
        s.connect(('%1$s', %2$d))
        s.sendall(bytes(107))
        take(s, 107)
        s.close()
        """,
        CLIENT, port);
    nodes.expect(outbound("fin_local", 107, 107));
  }

  @Test
  void aSimultaneousOpenIsOutboundForBothSides() throws Exception {
    // Both SYNs wait for ARP, so they cross.
    nodes.clientNode().muteArp("cable");
    nodes.serverNode().muteArp("cable");
    String begin =
        """
        s = tcp('%1$s')
        s.bind(('', %2$d))
        dial_later(s, '%1$s', %2$d)
        """;
    client.run(begin, SERVER, port);
    server.run(begin, CLIENT, port);
    assertThat(client.run("state(s)").asInt()).isEqualTo(2);
    assertThat(server.run("state(s)").asInt()).isEqualTo(2);
    nodes.mend();
    client.run("settle(s); s.sendall(bytes(101)); s.shutdown(SHUT_WR)");
    server.run("settle(s)");
    assertThat(server.run("drain(s)").asLong()).isEqualTo(101);
    server.run("s.sendall(bytes(103)); s.close()");
    assertThat(client.run("finish(s)").asLong()).isEqualTo(103);
    List<JsonNode> records =
        nodes.expect(outbound("fin_local", 101, 103), outbound("fin_remote", 103, 101));
    for (JsonNode record : records) {
      boolean clients = record.path("bytes_sent").asLong() == 101;
      assertThat(record.at("/source/address").asText()).isEqualTo(clients ? CLIENT : SERVER);
      assertThat(record.at("/process/pid").asLong())
          .isEqualTo(clients ? client.pid() : server.pid());
      assertThat(record.path("connect_ns").asLong()).isPositive();
    }
  }

  private void listenForFastOpen() throws Exception {
    server.run("l = listen('%s', %d, options=[(IPPROTO_TCP, TCP_FASTOPEN, 16)])", SERVER, port);
  }

  /** The client's half of {@code tcp_fastopen} is 1, the server's 2; 4 and 0x200: no cookie. */
  private static void fastOpen(int clientFlags, int serverFlags) throws Exception {
    nodes.clientNode().sysctl("ipv4/tcp_fastopen", Integer.toString(clientFlags));
    nodes.serverNode().sysctl("ipv4/tcp_fastopen", Integer.toString(serverFlags));
  }

  /** One exchange over a socket that began with the given bytes; whether they were in the SYN. */
  private boolean exchangeAfterFastOpen(int first) throws Exception {
    client.run("s = fast_open('%s', %d, %d)", SERVER, port, first);
    server.run("a = l.accept()[0]; take(a, %d); a.sendall(bytes(43))", first);
    client.run("take(s, 43); taken = syn_data_taken(s); s.sendall(bytes(59)); s.close()");
    assertThat(server.run("finish(a)").asLong()).isEqualTo(59);
    return client.run("taken").asBoolean();
  }

  @Test
  void dataOfFastOpenIsCountedOnceBothWhenTheCookieIsAskedForAndWhenItIsUsed() throws Exception {
    fastOpen(1, 2);
    listenForFastOpen();
    assertThat(exchangeAfterFastOpen(113)).as("no cookie yet").isFalse();
    assertThat(exchangeAfterFastOpen(127)).as("data in the SYN").isTrue();
    nodes.expect(
        outbound("fin_local", 113 + 59, 43),
        inbound("fin_remote", 43, 113 + 59),
        outbound("fin_local", 127 + 59, 43),
        inbound("fin_remote", 43, 127 + 59));
  }

  @Test
  void dataOfFastOpenWithoutCookieIsCountedOnce() throws Exception {
    fastOpen(1 | 4, 2 | 0x200);
    listenForFastOpen();
    assertThat(exchangeAfterFastOpen(131)).isTrue();
    nodes.expect(outbound("fin_local", 131 + 59, 43), inbound("fin_remote", 43, 131 + 59));
  }

  @Test
  void dataInASynThatTheServerDidNotTakeIsCountedOnce() throws Exception {
    fastOpen(1 | 4, 0);
    nodes.listen();
    assertThat(exchangeAfterFastOpen(137)).isFalse();
    nodes.expect(outbound("fin_local", 137 + 59, 43), inbound("fin_remote", 43, 137 + 59));
  }

  @Test
  void dataInASynThatWasLostIsCountedOnce() throws Exception {
    fastOpen(1 | 4, 2 | 0x200);
    listenForFastOpen();
    nodes.cut();
    client.begin("s = fast_open('%s', %d, 139)", SERVER, port);
    nodes.awaitLost(1);
    nodes.mend();
    client.value();
    server.run("a = l.accept()[0]; take(a, 139)");
    client.run("s.close()");
    assertThat(server.run("finish(a)").asLong()).isZero();
    JsonNode record =
        SidecarProcess.of(
            nodes.expect(outbound("fin_local", 139, 0), inbound("fin_remote", 0, 139)), "outbound");
    assertThat(record.path("syn_retransmits").asLong()).isEqualTo(1);
  }

  @Test
  void dataInASynThatWasRefusedWasSentAllTheSame() throws Exception {
    fastOpen(1 | 4, 0);
    assertThat(client.fail("fast_open('%s', %d, 139)", SERVER, port)).isEqualTo("ECONNREFUSED");
    nodes.expect(new Ending("outbound", "failed", "refused", "ECONNREFUSED", 139, 0));
  }

  @Test
  void aFastOpenThatWasAcceptedAndThenResetInItsHandshakeWasAConnectionOfTheServers()
      throws Exception {
    fastOpen(1 | 4, 2 | 0x200);
    listenForFastOpen();
    nodes.clientNode().filter("input", "tcp sport %d reject with tcp reset".formatted(port));
    client.begin(
        """
        s = tcp('%1$s')
        s.setsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT, 300)
        s.sendto(bytes(149), MSG_FASTOPEN, ('%1$s', %2$d))
        """,
        SERVER, port);
    server.run("a = l.accept()[0]");
    assertThat(server.run("finish_anyhow(a)").asLong()).isEqualTo(149);
    assertThat(client.failure()).isEqualTo("ETIMEDOUT");
    nodes.expect(
        new Ending("outbound", "failed", "timeout", "ETIMEDOUT", 149, 0),
        inbound("reset_remote", 0, 149));
  }

  @Test
  void aReusePortGroupKeepsItsProcessesApart() throws Exception {
    int connections = 37;
    String listen =
        """
        l = listen('%s', %d, options=[(SOL_SOCKET, SO_REUSEPORT, 1)])
        l.setblocking(False)
        accepted = []
        def gather():
            try:
                while True: accepted.append(l.accept()[0])
            except BlockingIOError: pass
            return len(accepted)
        """;
    try (TcpPeer other = nodes.newServer()) {
      server.run(listen, SERVER, port);
      other.run(listen, SERVER, port);
      client.run(
          """
          for i in range(%d):
              s = dial('%s', %d)
              s.sendall(bytes(i))
              s.close()
          """,
          connections, SERVER, port);
      while (gathered(server) + gathered(other) < connections) {
        Thread.sleep(10);
      }
      List<TcpPeer> peers = List.of(server, other);
      List<Long> counts = new ArrayList<>();
      List<Long> bytes = new ArrayList<>();
      for (TcpPeer peer : peers) {
        peer.run("for a in accepted: a.setblocking(True)");
        counts.add(gathered(peer));
        bytes.add(peer.run("sum(map(finish, accepted))").asLong());
      }
      List<JsonNode> records = nodes.expect(2 * connections);
      for (int i = 0; i < peers.size(); i++) {
        long pid = peers.get(i).pid();
        List<JsonNode> own =
            records.stream()
                .filter(record -> record.path("direction").asText().equals("inbound"))
                .filter(record -> record.at("/process/pid").asLong() == pid)
                .toList();
        assertThat(own).hasSize(counts.get(i).intValue());
        assertThat(own.stream().mapToLong(record -> record.path("bytes_received").asLong()).sum())
            .isEqualTo(bytes.get(i));
      }
    }
  }

  private static long gathered(TcpPeer peer) throws Exception {
    return peer.run("gather()").asLong();
  }

  @Test
  void aTimeWaitOfTheClientGivesWayToANewConnection() throws Exception {
    nodes.listen();
    for (int bytes : List.of(149, 151)) {
      client.run("s = dial('%s', %d, local_port=%d)", SERVER, port, port + 1);
      client.run("s.sendall(bytes(%d)); s.close()", bytes);
      assertThat(server.run("finish(l.accept()[0])").asLong()).isEqualTo(bytes);
    }
    nodes.expect(
        outbound("fin_local", 149, 0),
        inbound("fin_remote", 0, 149),
        outbound("fin_local", 151, 0),
        inbound("fin_remote", 0, 151));
  }

  @Test
  void aTimeWaitOfTheServerGivesWayToANewConnection() throws Exception {
    nodes.listen();
    for (int bytes : List.of(157, 163)) {
      client.run("s = dial('%s', %d, local_port=%d)", SERVER, port, port + 1);
      server.run("a = l.accept()[0]; a.sendall(bytes(%d)); a.close()", bytes);
      assertThat(client.run("finish(s)").asLong()).isEqualTo(bytes);
    }
    nodes.expect(
        outbound("fin_remote", 0, 157),
        inbound("fin_local", 157, 0),
        outbound("fin_remote", 0, 163),
        inbound("fin_local", 163, 0));
  }

  @Test
  void aClientPortUsedAgainAsFastAsPossibleIsAConnectionEachTime() throws Exception {
    int connections = 211;
    nodes.listen();
    server.begin("[finish_anyhow(l.accept()[0]) for i in range(%d)]", connections);
    client.run(
        """
        for i in range(%d):
            s = dial('%s', %d, local_port=%d)
            s.sendall(bytes(i))
            reset(s)
        """,
        connections, SERVER, port, port + 1);
    JsonNode got = server.value();
    Ending[] endings = new Ending[2 * connections];
    for (int i = 0; i < connections; i++) {
      assertThat(got.get(i).asLong()).isEqualTo(i);
      endings[2 * i] = outbound("reset_local", i, 0);
      endings[2 * i + 1] = inbound("reset_remote", 0, i);
    }
    for (JsonNode record : nodes.expect(endings)) {
      assertThat(record.at("/source/port").asInt()).isEqualTo(port + 1);
    }
  }
}
