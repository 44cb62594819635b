// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static io.meshlens.it.Ending.inbound;
import static io.meshlens.it.Ending.outbound;
import static io.meshlens.it.TwoNodes.CLIENT;
import static io.meshlens.it.TwoNodes.CLIENT6;
import static io.meshlens.it.TwoNodes.SERVER;
import static io.meshlens.it.TwoNodes.SERVER6;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Families of addresses, ways to write, and sockets that change hands. */
@RequiresKernel
class SocketKindsIT {
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

  /** An exchange whose two records show the given addresses. */
  private void exchange(String listener, String dialled, String source, String destination)
      throws Exception {
    server.run("l = listen('%s', %d)", listener, port);
    client.run("s = dial('%s', %d); s.sendall(bytes(167))", dialled, port);
    server.run("a = l.accept()[0]; take(a, 167); a.sendall(bytes(173)); a.close()");
    assertThat(client.run("finish(s)").asLong()).isEqualTo(173);
    List<JsonNode> records =
        nodes.expect(outbound("fin_remote", 167, 173), inbound("fin_local", 173, 167));
    for (JsonNode record : records) {
      assertThat(record.at("/source/address").asText()).isEqualTo(source);
      assertThat(record.at("/destination/address").asText()).isEqualTo(destination);
    }
  }

  @Test
  void ipv6IsReportedInItsOwnNotation() throws Exception {
    exchange(SERVER6, SERVER6, CLIENT6, SERVER6);
  }

  @Test
  void ipv4MappedAddressesOnBothSidesAreShownAsIpv4() throws Exception {
    exchange("::", "::ffff:" + SERVER, CLIENT, SERVER);
  }

  @Test
  void linkLocalAddressesAreShownWithoutTheirInterface() throws Exception {
    nodes.cable("second", "fe80::a1/64", "fe80::a2/64");
    exchange("fe80::a2%second", "fe80::a2%second", "fe80::a1", "fe80::a2");
  }

  @Test
  void aSocketSharedByForksEndsWithTheLastOfThem() throws Exception {
    nodes.connect();
    client.run(
        """
        ready, go = os.pipe()
        pid = in_child(lambda: (os.read(ready, 1), s.sendall(bytes(179))))
        s.sendall(bytes(181))
        s.close()
        """);
    server.run("take(a, 181)");
    nodes.await(0);
    client.run("os.write(go, b'.'); reap(pid)");
    assertThat(server.run("finish(a)").asLong()).isEqualTo(179);
    JsonNode record =
        SidecarProcess.of(
            nodes.expect(outbound("fin_local", 360, 0), inbound("fin_remote", 0, 360)), "outbound");
    assertThat(record.at("/process/pid").asLong())
        .as("the process that connected")
        .isEqualTo(client.pid());
  }

  @Test
  void aSocketPassedToAnotherProcessIsStillOneConnectionOfTheOneThatConnected() throws Exception {
    nodes.listen();
    client.run(
        """
        near, far = socketpair(AF_UNIX, SOCK_STREAM)
        def heir():
            s = socket(fileno=recv_fds(far, 1, 1)[1][0])
            s.sendall(bytes(191))
            take(s, 193)
            s.close()
        pid = in_child(heir)
        s = dial('%s', %d)
        s.sendall(bytes(197))
        send_fds(near, [b'.'], [s.fileno()])
        s.close()
        """,
        SERVER, port);
    server.run("a = l.accept()[0]; take(a, 197 + 191); a.sendall(bytes(193))");
    client.run("reap(pid)");
    assertThat(server.run("finish(a)").asLong()).isZero();
    JsonNode record =
        SidecarProcess.of(
            nodes.expect(outbound("fin_local", 388, 193), inbound("fin_remote", 193, 388)),
            "outbound");
    assertThat(record.at("/process/pid").asLong()).isEqualTo(client.pid());
  }

  /** The client sends many bytes in its own way while the server takes them in its own. */
  private void bulk(String send, String receive, long count) throws Exception {
    nodes.connect();
    server.begin("%s", receive);
    assertThat(client.run("%s", send).asLong()).isEqualTo(count);
    client.run("s.close()");
    assertThat(server.value().asLong()).isEqualTo(count);
    server.run("a.close()");
    nodes.expect(outbound("fin_local", count, 0), inbound("fin_remote", 0, count));
  }

  @Test
  void bytesOfSendfileAreCounted() throws Exception {
    bulk(
        """
        import tempfile
        with tempfile.TemporaryFile() as file:
            os.truncate(file.fileno(), 3_000_017)
            sent = 0
            while n := os.sendfile(s.fileno(), file.fileno(), sent, 1 << 20): sent += n
        sent
        """,
        "drain(a)",
        3_000_017);
  }

  @Test
  void bytesOfSpliceAreCountedOnBothSides() throws Exception {
    bulk(
        """
        out, into = os.pipe()
        sent = 0
        while sent < 3_000_029:
            n = os.write(into, bytes(min(1 << 16, 3_000_029 - sent)))
            while n:
                moved = os.splice(out, s.fileno(), n)
                n -= moved
                sent += moved
        sent
        """,
        """
        out, into = os.pipe()
        got = 0
        while n := os.splice(a.fileno(), into, 1 << 16):
            got += n
            while n: n -= len(os.read(out, n))
        got
        """,
        3_000_029);
  }

  @Test
  void bytesOfZeroCopyAreCounted() throws Exception {
    bulk(
        """
        s.setsockopt(SOL_SOCKET, SO_ZEROCOPY, 1)
        page, sent, calls = bytes(1 << 16), 0, 0
        while sent < 3_000_037:
            sent += s.send(page[:3_000_037 - sent], MSG_ZEROCOPY)
            calls += 1
        poll, done = select.poll(), 0
        poll.register(s, 0)
        while done < calls:
            poll.poll()
            report = s.recvmsg(1, 128, MSG_ERRQUEUE)[1][0][2]
            first, last = struct.unpack_from('II', report, 8)
            done += last - first + 1
        sent
        """,
        "drain(a)",
        3_000_037);
  }
}
