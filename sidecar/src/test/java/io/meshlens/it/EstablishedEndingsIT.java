// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static io.meshlens.it.Ending.inbound;
import static io.meshlens.it.Ending.outbound;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Every way an established connection ends, with what the two applications counted. */
@RequiresKernel
class EstablishedEndingsIT {
  @RegisterExtension static final TwoNodes nodes = new TwoNodes();

  private TcpPeer client;
  private TcpPeer server;

  @BeforeEach
  void connect() throws Exception {
    nodes.connect();
    client = nodes.client();
    server = nodes.server();
  }

  @Test
  void aHalfClosedConnectionGoesOnUntilTheOtherHalfCloses() throws Exception {
    client.run("s.sendall(bytes(211)); s.shutdown(SHUT_WR)");
    assertThat(server.run("drain(a)").asLong()).isEqualTo(211);
    server.run("a.sendall(bytes(5003)); a.close()");
    assertThat(client.run("finish(s)").asLong()).isEqualTo(5003);
    nodes.expect(outbound("fin_local", 211, 5003), inbound("fin_remote", 5003, 211));
  }

  @Test
  void finsThatCrossMakeEachSideTheFirst() throws Exception {
    client.run("s.sendall(bytes(31))");
    server.run("take(a, 31); a.sendall(bytes(37))");
    client.run("take(s, 37); until(lambda: unacknowledged(s) == 0)");
    server.run("until(lambda: unacknowledged(a) == 0)");
    nodes.cut();
    client.run("s.shutdown(SHUT_WR)");
    server.run("a.shutdown(SHUT_WR)");
    nodes.mend();
    assertThat(client.run("finish(s)").asLong()).isZero();
    assertThat(server.run("finish(a)").asLong()).isZero();
    nodes.expect(outbound("fin_local", 31, 37), inbound("fin_local", 37, 31));
  }

  @Test
  void aCloseWithUnreadDataIsAReset() throws Exception {
    client.run("s.sendall(bytes(521))");
    server.run("unread(a, 521); a.close()");
    assertThat(client.fail("drain(s)")).isEqualTo("ECONNRESET");
    client.run("s.close()");
    nodes.expect(outbound("reset_remote", 521, 0), inbound("reset_local", 0, 521));
  }

  @Test
  void aCloseWithUnreadDataAfterThePeersFinIsAReset() throws Exception {
    client.run("s.sendall(bytes(523)); s.shutdown(SHUT_WR)");
    server.run("unread(a, 523); until(lambda: state(a) == 8); a.close()");
    assertThat(client.fail("drain(s)")).isEqualTo("ECONNRESET");
    client.run("s.close()");
    nodes.expect(outbound("reset_remote", 523, 0), inbound("reset_local", 0, 523));
  }

  @Test
  void aCloseWithUnreadDataAfterTheOwnFinIsAReset() throws Exception {
    server.run("a.sendall(bytes(41)); a.shutdown(SHUT_WR)");
    assertThat(client.run("drain(s)").asLong()).isEqualTo(41);
    client.run("s.sendall(bytes(541))");
    server.run("unread(a, 541); a.close()");
    assertThat(client.fail("until(lambda: state(s) == 7); error_of(s)")).isEqualTo("EPIPE");
    client.run("s.close()");
    nodes.expect(outbound("reset_remote", 541, 41), inbound("reset_local", 41, 541));
  }

  @Test
  void lingerZeroIsAReset() throws Exception {
    client.run("s.sendall(bytes(257))");
    server.run("take(a, 257)");
    client.run("reset(s)");
    assertThat(server.fail("drain(a)")).isEqualTo("ECONNRESET");
    server.run("a.close()");
    nodes.expect(outbound("reset_local", 257, 0), inbound("reset_remote", 0, 257));
  }

  @Test
  void bytesThatAResetDiscardsBeforeTheyWereSentAreNotSent() throws Exception {
    JsonNode counted =
        client.run(
            """
            s.setblocking(False)
            written = 0
            try:
                while True: written += s.send(bytes(1 << 16))
            except BlockingIOError: pass
            until(lambda: unacknowledged(s) == unsent(s))
            left = unsent(s)
            reset(s)
            [written, left]
            """);
    long written = counted.get(0).asLong();
    long unsent = counted.get(1).asLong();
    assertThat(unsent).isPositive();
    assertThat(server.fail("got = 0\nwhile True: got += len(a.recv(1 << 20))"))
        .isEqualTo("ECONNRESET");
    long got = server.run("a.close(); got").asLong();
    assertThat(got).isEqualTo(written - unsent);
    nodes.expect(outbound("reset_local", got, 0), inbound("reset_remote", 0, got));
  }

  @Test
  void dataForASocketThatClosedIsAnsweredByAReset() throws Exception {
    client.run("s.close()");
    server.run("drain(a); a.sendall(bytes(307))");
    assertThat(server.fail("until(lambda: state(a) == 7); error_of(a)")).isEqualTo("EPIPE");
    server.run("a.close()");
    nodes.expect(outbound("fin_local", 0, 0), inbound("reset_remote", 307, 0));
  }

  @Test
  void aKilledProcessSendsItsFin() throws Exception {
    client.run("s.sendall(bytes(1013))");
    server.run("take(a, 1013)");
    client.kill();
    assertThat(server.run("finish(a)").asLong()).isZero();
    JsonNode record =
        SidecarProcess.of(
            nodes.expect(outbound("fin_local", 1013, 0), inbound("fin_remote", 0, 1013)),
            "outbound");
    assertThat(record.at("/process/pid").asLong()).isEqualTo(client.pid());
    assertThat(record.at("/process/comm").asText()).isEqualTo("python3");
  }

  @Test
  void aProcessKilledWithUnreadDataResets() throws Exception {
    server.run("a.sendall(bytes(1019))");
    client.run("unread(s, 1019)");
    client.kill();
    assertThat(server.fail("drain(a)")).isEqualTo("ECONNRESET");
    server.run("a.close()");
    nodes.expect(outbound("reset_local", 0, 1019), inbound("reset_remote", 1019, 0));
  }

  /** Takes 1009 bytes across, then breaks the path both ways. */
  private void break1009BytesIn() throws Exception {
    client.run("s.sendall(bytes(1009))");
    server.run("take(a, 1009)");
    client.run("until(lambda: unacknowledged(s) == 0)");
    nodes.cut();
  }

  /** The server learns only now that the client has given up. */
  private void serverIsReset() throws Exception {
    nodes.mend();
    server.run("a.sendall(bytes(17))");
    assertThat(server.fail("drain(a)")).isEqualTo("ECONNRESET");
    server.run("a.close()");
  }

  @Test
  void aSocketThatTheAdministratorDestroysIsAborted() throws Exception {
    client.run("s.sendall(bytes(263))");
    server.run("take(a, 263)");
    nodes.clientNode().run("ss", "-K", "dport", "=", ":" + nodes.port());
    assertThat(client.fail("drain(s)")).isEqualTo("ECONNABORTED");
    client.run("s.close()");
    assertThat(server.fail("drain(a)")).isEqualTo("ECONNRESET");
    server.run("a.close()");
    nodes.expect(outbound("aborted", 263, 0), inbound("reset_remote", 0, 263));
  }

  @Test
  void tcpUserTimeoutRunsOutOnUnansweredData() throws Exception {
    client.run("s.setsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT, 400)");
    break1009BytesIn();
    client.run("s.sendall(bytes(503))");
    assertThat(client.fail("drain(s)")).isEqualTo("ETIMEDOUT");
    long repeated = nodes.serverNode().filtered() - 1;
    client.run("s.close()");
    serverIsReset();
    JsonNode record =
        SidecarProcess.of(
            nodes.expect(outbound("timeout", 1512, 0), inbound("reset_remote", 17, 1009)),
            "outbound");
    assertThat(record.path("retransmits").asLong()).isEqualTo(repeated);
    assertThat(record.path("bytes_retransmitted").asLong()).isEqualTo(503 * repeated);
    assertThat(record.path("syn_retransmits").asLong(-1)).isZero();
  }

  @Test
  void retransmissionsOfUnansweredDataRunOut() throws Exception {
    break1009BytesIn();
    client.run("s.sendall(bytes(509))");
    assertThat(client.fail("drain(s)")).isEqualTo("ETIMEDOUT");
    client.run("s.close()");
    serverIsReset();
    nodes.expect(outbound("timeout", 1518, 0), inbound("reset_remote", 17, 1009));
  }

  @Test
  void keepAliveProbesGoUnanswered() throws Exception {
    client.run(
        """
        s.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)
        for option in (TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT):
            s.setsockopt(IPPROTO_TCP, option, 1)
        """);
    break1009BytesIn();
    assertThat(client.fail("drain(s)")).isEqualTo("ETIMEDOUT");
    client.run("s.close()");
    serverIsReset();
    nodes.expect(outbound("timeout", 1009, 0), inbound("reset_remote", 17, 1009));
  }

  @Test
  void aFinThatNobodyAnswersTimesOut() throws Exception {
    break1009BytesIn();
    client.run("s.close()");
    // The kernel's own doing: no application waits for it.
    nodes.await(1);
    serverIsReset();
    nodes.expect(outbound("timeout", 1009, 0), inbound("reset_remote", 17, 1009));
  }

  @Test
  void aPathThatIcmpCallsBrokenIsUnreachableOnceRetransmissionsRunOut() throws Exception {
    client.run("s.sendall(bytes(1009))");
    server.run("take(a, 1009)");
    client.run("until(lambda: unacknowledged(s) == 0)");
    nodes
        .serverNode()
        .filter(
            "input", "tcp dport %d reject with icmp type host-unreachable".formatted(nodes.port()));
    client.run("s.sendall(bytes(509))");
    assertThat(client.fail("drain(s)")).isEqualTo("EHOSTUNREACH");
    client.run("s.close()");
    serverIsReset();
    nodes.expect(outbound("unreachable", 1518, 0), inbound("reset_remote", 17, 1009));
  }
}
