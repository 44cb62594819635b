// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static io.meshlens.it.Ending.failed;
import static io.meshlens.it.Ending.inbound;
import static io.meshlens.it.Ending.outbound;
import static io.meshlens.it.TwoNodes.SERVER;
import static io.meshlens.it.TwoNodes.SERVER6;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Every way a connect fails, with the errno that the application got. */
@RequiresKernel
class FailedConnectsIT {
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

  /** The client's connect fails; its errno. */
  private String fail(String address) throws Exception {
    return client.fail("dial('%s', %d)", address, port);
  }

  @Test
  void synsThatNobodyAnswersTimeOutAndAreCounted() throws Exception {
    nodes.cut();
    assertThat(fail(SERVER)).isEqualTo("ETIMEDOUT");
    JsonNode record = nodes.expect(failed("timeout", "ETIMEDOUT")).getFirst();
    long syns = nodes.serverNode().filtered();
    assertThat(syns).as("at least one was repeated").isGreaterThan(1);
    assertThat(record.path("syn_retransmits").asLong()).isEqualTo(syns - 1);
    assertThat(record.path("packets_sent").asLong()).isEqualTo(syns);
    assertThat(record.path("packets_received").asLong(-1)).isZero();
    assertThat(record.has("connect_ns")).isFalse();
    assertThat(record.has("rtt_us")).isFalse();
  }

  @Test
  void tcpUserTimeoutRunsOutOnASyn() throws Exception {
    nodes.cut();
    assertThat(client.fail("dial('%s', %d, timeout_ms=300)", SERVER, port)).isEqualTo("ETIMEDOUT");
    nodes.expect(failed("timeout", "ETIMEDOUT"));
  }

  @Test
  void aListenerThatIsNotThereRefuses() throws Exception {
    assertThat(fail(SERVER)).isEqualTo("ECONNREFUSED");
    JsonNode record = nodes.expect(failed("refused", "ECONNREFUSED")).getFirst();
    assertThat(record.path("syn_retransmits").asLong(-1)).isZero();
    assertThat(record.at("/process/pid").asLong()).isEqualTo(client.pid());
  }

  @Test
  void aFirewallThatResetsRefuses() throws Exception {
    nodes.listen();
    nodes.serverNode().filter("input", "tcp dport %d reject with tcp reset".formatted(port));
    assertThat(fail(SERVER)).isEqualTo("ECONNREFUSED");
    nodes.expect(failed("refused", "ECONNREFUSED"));
  }

  @Test
  void aSynThatIsRepeatedAndThenRefusedIsCounted() throws Exception {
    nodes.cut();
    client.begin("dial('%s', %d)", SERVER, port);
    nodes.awaitLost(1);
    nodes.mend();
    assertThat(client.failure()).isEqualTo("ECONNREFUSED");
    JsonNode record = nodes.expect(failed("refused", "ECONNREFUSED")).getFirst();
    assertThat(record.path("syn_retransmits").asLong()).isEqualTo(1);
  }

  @Test
  void aSynThatIsRepeatedAndThenAnsweredIsCounted() throws Exception {
    nodes.listen();
    nodes.cut();
    client.begin("s = dial('%s', %d)", SERVER, port);
    nodes.awaitLost(1);
    nodes.mend();
    client.value();
    client.run("s.sendall(bytes(61)); s.close()");
    assertThat(server.run("finish(l.accept()[0])").asLong()).isEqualTo(61);
    JsonNode record =
        SidecarProcess.of(
            nodes.expect(outbound("fin_local", 61, 0), inbound("fin_remote", 0, 61)), "outbound");
    assertThat(record.path("syn_retransmits").asLong()).isEqualTo(1);
    assertThat(record.path("retransmits").asLong()).isEqualTo(1);
    assertThat(record.path("bytes_retransmitted").asLong(-1)).isZero();
    assertThat(record.path("connect_ns").asLong()).isGreaterThan(900_000_000L);
  }

  /** A type of nft's reject statement, and how the connection that it meets ends. */
  private record Rejection(String type, Ending ending) {}

  @Test
  void everyIcmpRejectionIsToldByItsErrno() throws Exception {
    rejections(
        "icmp",
        SERVER,
        new Rejection("net-unreachable", failed("unreachable", "ENETUNREACH")),
        new Rejection("host-unreachable", failed("unreachable", "EHOSTUNREACH")),
        new Rejection("prot-unreachable", failed("unreachable", "ENOPROTOOPT")),
        new Rejection("port-unreachable", failed("refused", "ECONNREFUSED")),
        new Rejection("net-prohibited", failed("unreachable", "ENETUNREACH")),
        new Rejection("host-prohibited", failed("unreachable", "EHOSTUNREACH")),
        new Rejection("admin-prohibited", failed("unreachable", "EHOSTUNREACH")));
  }

  @Test
  void everyIcmpv6RejectionIsToldByItsErrno() throws Exception {
    rejections(
        "icmpv6",
        SERVER6,
        new Rejection("no-route", failed("unreachable", "ENETUNREACH")),
        new Rejection("admin-prohibited", failed("unreachable", "EACCES")),
        new Rejection("addr-unreachable", failed("unreachable", "EHOSTUNREACH")),
        new Rejection("port-unreachable", failed("refused", "ECONNREFUSED")),
        new Rejection("policy-fail", failed("unreachable", "EACCES")),
        new Rejection("reject-route", failed("unreachable", "EACCES")));
  }

  /**
   * Each for a client port of its own, all at once, because a connect whose first SYN is rejected
   * by ICMP only ends with its second.
   */
  private void rejections(String family, String address, Rejection... rejections) throws Exception {
    nodes
        .serverNode()
        .filter(
            "input",
            IntStream.range(0, rejections.length)
                .mapToObj(
                    i ->
                        "tcp dport %d tcp sport %d reject with %s type %s"
                            .formatted(port, 30_000 + i, family, rejections[i].type()))
                .toArray(String[]::new));
    JsonNode errnos =
        client.run(
            """
            socks = [tcp('%1$s') for i in range(%3$d)]
            for i, sock in enumerate(socks):
                sock.bind(('', 30_000 + i))
                dial_later(sock, '%1$s', %2$d)
            [outcome_of(sock) for sock in socks]
            """,
            address, port, rejections.length);
    Ending[] endings = Arrays.stream(rejections).map(Rejection::ending).toArray(Ending[]::new);
    for (JsonNode record : nodes.expect(endings)) {
      int i = record.at("/source/port").asInt() - 30_000;
      assertThat(Ending.of(record)).as(rejections[i].type()).isEqualTo(endings[i]);
      assertThat(errnos.get(i).asText()).as(rejections[i].type()).isEqualTo(endings[i].error());
    }
  }

  @Test
  void aRouterThatKnowsNoWaySaysUnreachable() throws Exception {
    nodes.serverNode().sysctl("ipv4/ip_forward", "1");
    nodes.serverNode().ip("route add unreachable 198.51.100.1");
    nodes.clientNode().ip("route add 198.51.100.0/24 via " + SERVER);
    JsonNode errnos =
        client.run(
            """
            places = ['198.51.100.%%d' %% i for i in (1, 2)]
            socks = [dial_later(tcp(place), place, %d) for place in places]
            [outcome_of(sock) for sock in socks]
            """,
            port);
    assertThat(errnos.get(0).asText()).isEqualTo("EHOSTUNREACH");
    assertThat(errnos.get(1).asText()).isEqualTo("ENETUNREACH");
    nodes.expect(failed("unreachable", "EHOSTUNREACH"), failed("unreachable", "ENETUNREACH"));
  }

  @Test
  void aHostThatDoesNotAnswerArpIsUnreachable() throws Exception {
    nodes.clientNode().sysctl("ipv4/neigh/cable/mcast_solicit", "1");
    nodes.clientNode().sysctl("ipv4/neigh/cable/retrans_time_ms", "200");
    assertThat(fail("192.0.2.9")).isEqualTo("EHOSTUNREACH");
    nodes.expect(failed("unreachable", "EHOSTUNREACH"));
  }

  @Test
  void aConnectThatFindsNoLocalRouteFailsForAReasonThatOnlyTheCallerIsTold() throws Exception {
    assertThat(fail("203.0.113.1")).isEqualTo("ENETUNREACH");
    nodes.lookAtOpenSockets();
    JsonNode record = nodes.expect(failed("unknown", "")).getFirst();
    assertThat(record.at("/destination/address").asText()).isEqualTo("203.0.113.1");
    assertThat(record.path("source")).as("never bound").isEmpty();
    assertThat(record.at("/process/pid").asLong()).isEqualTo(client.pid());
  }

  @Test
  void aResetInPlaceOfTheLastStepOfTheHandshakeEndsTheClientsConnectionOnly() throws Exception {
    nodes.listen();
    nodes
        .serverNode()
        .filter(
            "input",
            "tcp dport %d tcp flags & (syn | ack) == ack reject with tcp reset".formatted(port));
    // The kernel has established it, although connect(2) finds the error that came at once.
    assertThat(fail(SERVER)).isEqualTo("ECONNRESET");
    nodes.expect(outbound("reset_remote", 0, 0));
  }

  @Test
  void aHandshakeThatTheClientsFirewallResetsLeavesNothingAtTheServer() throws Exception {
    nodes.listen();
    nodes.clientNode().filter("input", "tcp sport %d reject with tcp reset".formatted(port));
    assertThat(client.fail("dial('%s', %d, timeout_ms=300)", SERVER, port)).isEqualTo("ETIMEDOUT");
    nodes.expect(failed("timeout", "ETIMEDOUT"));
  }

  @Test
  void anApplicationThatClosesWhileConnectingAborts() throws Exception {
    nodes.cut();
    client.run("dial_later(tcp('%1$s'), '%1$s', %2$d).close()", SERVER, port);
    nodes.expect(failed("aborted", ""));
  }

  @Test
  void anApplicationThatIsKilledWhileConnectingAborts() throws Exception {
    nodes.cut();
    client.run("s = dial_later(tcp('%1$s'), '%1$s', %2$d)", SERVER, port);
    client.kill();
    nodes.expect(failed("aborted", ""));
  }

  @Test
  void anApplicationThatDisconnectsWhileConnectingAborts() throws Exception {
    nodes.cut();
    client.run("s = dial_later(tcp('%1$s'), '%1$s', %2$d); disconnect(s)", SERVER, port);
    nodes.expect(failed("aborted", ""));
  }

  @Test
  void aFullListenQueueLetsTheNextSynTimeOut() throws Exception {
    server.run("l = listen('%s', %d, backlog=0)", SERVER, port);
    nodes.serverNode().filter("input", "tcp dport %d tcp flags syn counter".formatted(port));
    client.run("s = dial('%s', %d)", SERVER, port);
    assertThat(client.fail("dial('%s', %d, timeout_ms=1500)", SERVER, port)).isEqualTo("ETIMEDOUT");
    long syns = nodes.serverNode().filtered() - 1;
    server.run("a = l.accept()[0]");
    client.run("s.close()");
    server.run("finish(a)");
    List<JsonNode> records =
        nodes.expect(
            failed("timeout", "ETIMEDOUT"),
            outbound("fin_local", 0, 0),
            inbound("fin_remote", 0, 0));
    assertThat(records.getFirst().path("syn_retransmits").asLong()).isEqualTo(syns - 1);
    assertThat(syns).isEqualTo(2);
  }

  @Test
  void aFullListenQueueThatAbortsResetsTheClientOnly() throws Exception {
    nodes.serverNode().sysctl("ipv4/tcp_abort_on_overflow", "1");
    server.run("l = listen('%s', %d, backlog=4)", SERVER, port);
    // The queue takes five. Two more handshakes begin before the last place is taken.
    client.run("socks = [dial('%s', %d) for i in range(4)]", SERVER, port);
    nodes
        .serverNode()
        .filter("input", "tcp dport %d tcp flags & (syn | ack) == ack drop".formatted(port));
    client.run("s, t = dial('%1$s', %2$d), dial('%1$s', %2$d)", SERVER, port);
    nodes.mend();
    client.run("s.sendall(bytes(7)); until(lambda: unacknowledged(s) == 0)");
    client.run("t.sendall(bytes(11))");
    assertThat(client.fail("drain(t)")).isEqualTo("ECONNRESET");
    client.run("for sock in socks + [s, t]: sock.close()");
    assertThat(server.run("sum(finish(l.accept()[0]) for i in range(5))").asLong()).isEqualTo(7);
    Ending[] endings = new Ending[11];
    Arrays.fill(endings, 0, 4, outbound("fin_local", 0, 0));
    Arrays.fill(endings, 4, 8, inbound("fin_remote", 0, 0));
    endings[8] = outbound("fin_local", 7, 0);
    endings[9] = inbound("fin_remote", 0, 7);
    endings[10] = outbound("reset_remote", 11, 0);
    nodes.expect(endings);
  }

  @Test
  void aConnectionThatNobodyAcceptedIsResetByTheServersSide() throws Exception {
    nodes.listen();
    client.run("s = dial('%s', %d); s.sendall(bytes(73))", SERVER, port);
    client.run("until(lambda: unacknowledged(s) == 0)");
    server.run("l.close()");
    assertThat(client.fail("drain(s)")).isEqualTo("ECONNRESET");
    client.run("s.close()");
    JsonNode inbound =
        SidecarProcess.of(
            nodes.expect(outbound("reset_remote", 73, 0), inbound("reset_local", 0, 73)),
            "inbound");
    assertThat(inbound.at("/process/pid").asLong()).isEqualTo(server.pid());
  }

  @Test
  void aSocketThatConnectsAgainAfterARefusalIsAnotherConnection() throws Exception {
    client.run("s = tcp('%s')", SERVER);
    assertThat(client.fail("s.connect(('%s', %d))", SERVER, port)).isEqualTo("ECONNREFUSED");
    nodes.listen();
    client.run("s.connect(('%s', %d)); s.sendall(bytes(79)); s.close()", SERVER, port);
    assertThat(server.run("finish(l.accept()[0])").asLong()).isEqualTo(79);
    nodes.expect(
        failed("refused", "ECONNREFUSED"),
        outbound("fin_local", 79, 0),
        inbound("fin_remote", 0, 79));
  }

  @Test
  void aSocketThatDisconnectsAndConnectsAgainIsAnotherConnection() throws Exception {
    nodes.connect();
    client.run("s.sendall(bytes(83))");
    server.run("take(a, 83); a.sendall(bytes(19))");
    client.run("take(s, 19); disconnect(s)");
    assertThat(server.fail("drain(a)")).isEqualTo("ECONNRESET");
    client.run("s.connect(('%s', %d)); s.sendall(bytes(89)); s.close()", SERVER, port);
    assertThat(server.run("finish(l.accept()[0])").asLong()).isEqualTo(89);
    server.run("a.close()");
    nodes.expect(
        outbound("reset_local", 83, 19),
        inbound("reset_remote", 19, 83),
        outbound("fin_local", 89, 0),
        inbound("fin_remote", 0, 89));
  }
}
