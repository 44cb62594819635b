// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Attempts to connect that end before a SYN leaves; a live pass finds them. */
@RequiresKernel
class UnsentIT {
  private static final int PORT = 8081;

  private static MountedBpfFileSystem programs;
  private static TestCgroup cgroup;
  private static NetworkNamespace node;
  private static TcpPeer client;
  private static TcpPeer server;
  private static SidecarProcess sidecar;

  @BeforeAll
  static void start() throws Exception {
    programs = new MountedBpfFileSystem();
    cgroup = new TestCgroup();
    OriginalDestinationIT.load(programs);
    OriginalDestinationIT.attach(programs, cgroup.path(), "connect4", "forbid4");
    node = new NetworkNamespace();
    client = new TcpPeer(cgroup.entrance(node));
    server = new TcpPeer(cgroup.entrance(node));
    server.run("l = listen('127.0.0.1', %d)", PORT);
    sidecar = SidecarProcess.run("cgroup=" + cgroup.path(), "access_log.periodic_interval=1s");
  }

  @AfterAll
  static void end() throws Exception {
    for (AutoCloseable part :
        new AutoCloseable[] {sidecar, client, server, node, cgroup, programs}) {
      if (part != null) {
        part.close();
      }
    }
  }

  /** The one record of an attempt, and the sums of its port. */
  private static JsonNode assertUnsent(String address, int port) throws Exception {
    JsonNode record = sidecar.awaitRecords(port, 1).getFirst();
    assertThat(Ending.of(record)).isEqualTo(Ending.failed("unknown", ""));
    assertThat(record.at("/destination/address").asText()).isEqualTo(address);
    assertThat(record.at("/process/pid").asLong()).isEqualTo(client.pid());
    assertThat(record.path("packets_sent").asLong(-1)).isZero();
    assertThat(record.toString()).doesNotContain("original_");
    MetricsPage page = MetricsPage.of(sidecar);
    Map<String, String> ofPort = Map.of("destination_port", Integer.toString(port));
    assertThat(Totals.ofSums(page, "outbound", ofPort))
        .isEqualTo(new Totals(0, 0, Map.of("_OTHER", 1L), 0, 0));
    return record;
  }

  @Test
  void attemptsWithoutARouteAndForbiddenOnesAreFailedConnections() throws Exception {
    assertThat(client.fail("dial('192.0.2.9', 7)")).isEqualTo("ENETUNREACH");
    assertThat(client.fail("dial('2001:db8::9', 8)")).isEqualTo("ENETUNREACH");
    assertThat(client.fail("dial('127.0.0.1', 82)")).isEqualTo("EPERM");
    // The socket stays open.
    assertThat(client.fail("k = tcp('192.0.2.9'); k.connect(('192.0.2.9', 9))"))
        .isEqualTo("ENETUNREACH");
    assertUnsent("192.0.2.9", 7);
    assertUnsent("2001:db8::9", 8);
    assertUnsent("127.0.0.1", 82);
    JsonNode record = assertUnsent("192.0.2.9", 9);
    assertThat(record.path("source").isEmpty()).as("never bound: %s", record).isTrue();
    assertThat(
            MetricsPage.of(sidecar).values("mesh_tcp_connections_failed_total", "source_address"))
        .as("unknown is absent")
        .doesNotContain("::", "0.0.0.0");
  }

  @Test
  void anAttemptThatFindsNoFreeLocalPortIsAFailedConnection() throws Exception {
    int port = PORT + 1;
    server.run("l2 = listen('127.0.0.1', %d)", port);
    node.sysctl("ipv4/ip_local_port_range", "40000 40000");
    try {
      client.run("s = dial('127.0.0.1', %d)", port);
      assertThat(client.fail("dial('127.0.0.1', %d)", port)).isEqualTo("EADDRNOTAVAIL");
    } finally {
      node.sysctl("ipv4/ip_local_port_range", "32768 60999");
    }
    client.run("s.close()");
    server.run("finish(l2.accept()[0])");
    ChildProcess.await("the ends", () -> ends(port, 3));
    assertThat(sidecar.recordsOfPort(port).stream().filter(r -> !isPeriodic(r)).map(Ending::of))
        .containsExactlyInAnyOrder(
            Ending.failed("unknown", ""),
            Ending.outbound("fin_local", 0, 0),
            Ending.inbound("fin_remote", 0, 0));
    Map<String, String> ofPort = Map.of("destination_port", Integer.toString(port));
    assertThat(Totals.ofSums(MetricsPage.of(sidecar), "outbound", ofPort))
        .isEqualTo(new Totals(1, 1, Map.of("_OTHER", 1L), 0, 0));
  }

  private static boolean isPeriodic(JsonNode record) {
    return record.path("event").asText().equals("periodic");
  }

  private static Optional<Boolean> ends(int port, int count) {
    return Optional.of(true)
        .filter(
            x -> sidecar.recordsOfPort(port).stream().filter(r -> !isPeriodic(r)).count() >= count);
  }

  @Test
  void aSecondAttemptOfTheSameSocketEndsTheFirst() throws Exception {
    client.run(
        """
        s = tcp('127.0.0.1')
        try: s.connect(('192.0.2.9', 10))
        except OSError: pass
        s.connect(('127.0.0.1', %d))
        s.close()
        """,
        PORT);
    server.run("finish(l.accept()[0])");
    JsonNode first = assertUnsent("192.0.2.9", 10);
    ChildProcess.await("the ends", () -> ends(PORT, 2));
    JsonNode second = SidecarProcess.of(sidecar.recordsOfPort(PORT), "outbound");
    assertThat(Ending.of(second)).isEqualTo(Ending.outbound("fin_local", 0, 0));
    assertThat(second.path("id").asText()).isEqualTo(first.path("id").asText() + ".1");
  }

  @Test
  void anAttemptOfASocketThatFoundItsSlotTakenIsNotForgotten() throws Exception {
    int port = PORT + 2;
    server.run("l3 = listen('127.0.0.1', %d)", port);
    client.run("o = dial('127.0.0.1', %d); k = tcp_at_slot('127.0.0.1', slot(o))", port);
    assertThat(client.fail("k.connect(('192.0.2.9', 11))")).isEqualTo("ENETUNREACH");
    client.run("k.close()");
    // Two live passes, and an attempt counts as over after a second.
    Thread.sleep(3_000);
    client.run("o.close()");
    server.run("finish(l3.accept()[0])");
    assertThat(sidecar.recordsOfPort(11)).hasSize(1);
    assertUnsent("192.0.2.9", 11);
  }
}
