// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What connect(2) was asked for: before another program rewrote it, and when no SYN came of it. */
@RequiresKernel
@SuppressWarnings("NullAway.Init") // Each test starts its own sidecar.
class OriginalDestinationIT {
  /** jni/src/test/c/redirect.bpf.c */
  private static final Path REDIRECT = Path.of("../jni/target/native/test/redirect.bpf.o");

  private static final int DIALLED = 81;
  private static final int REACHED = 8081;

  private MountedBpfFileSystem programs;
  private TestCgroup cgroup;
  private Path below;
  private NetworkNamespace node;
  private TcpPeer client;
  private TcpPeer server;
  private SidecarProcess sidecar;

  @BeforeEach
  void startPeers() throws Exception {
    programs = new MountedBpfFileSystem();
    Bpftool.run("prog", "loadall", REDIRECT.toString(), programs.path("mesh").toString());
    cgroup = new TestCgroup();
    below = Files.createDirectory(cgroup.path().resolve("below"));
    node = new NetworkNamespace();
    List<String> entrance = new ArrayList<>(cgroup.entrance(node));
    entrance.replaceAll(word -> word.replace(cgroup.path() + "/", below + "/"));
    client = new TcpPeer(entrance);
    server = new TcpPeer(cgroup.entrance(node));
  }

  @AfterEach
  void end() throws Exception {
    AutoCloseable removeBelow = () -> Files.delete(below);
    for (AutoCloseable part :
        new AutoCloseable[] {sidecar, client, server, node, removeBelow, cgroup, programs}) {
      if (part != null) {
        part.close();
      }
    }
  }

  private void startSidecar(Path watched) throws Exception {
    sidecar = SidecarProcess.run("cgroup=" + watched, "access_log.periodic_interval=1s");
  }

  /** As agents do that are older than links: no order, for the cgroup and all below. */
  private void attach(Path directory, String hook, String program) throws Exception {
    Bpftool.run(
        "cgroup",
        "attach",
        directory.toString(),
        hook,
        "pinned",
        programs.path("mesh/" + program).toString(),
        "multi");
  }

  private void attachRedirects(Path directory) throws Exception {
    attach(directory, "connect4", "redirect4");
    attach(directory, "connect6", "redirect6");
  }

  /** Bytes to the server, which really listens; both sides' records. */
  private List<JsonNode> connect(String listen, String dial, int port, int bytes) throws Exception {
    int before = sidecar.recordsOfPort(REACHED).size();
    server.run("l = listen('%s', %d)", listen, REACHED);
    client.run("s = dial('%s', %d)", dial, port);
    server.run("a = l.accept()[0]; l.close()");
    client.run("s.sendall(bytes(%d)); s.close()", bytes);
    server.run("finish(a)");
    List<JsonNode> records = sidecar.awaitRecords(REACHED, before + 2);
    return records.subList(before, before + 2);
  }

  private static void assertReached(JsonNode record, String address) {
    assertThat(record.at("/destination/address").asText()).as("%s", record).isEqualTo(address);
    assertThat(record.at("/destination/port").asInt()).isEqualTo(REACHED);
  }

  private static void assertUntouched(JsonNode record) {
    assertThat(record.toString()).doesNotContain("original_");
  }

  private static void assertRedirected(JsonNode record, String reached, String dialled) {
    assertReached(record, reached);
    JsonNode destination = record.path("destination");
    assertThat(destination.path("original_address").asText()).as("%s", record).isEqualTo(dialled);
    assertThat(destination.path("original_port").asInt()).isEqualTo(DIALLED);
  }

  private void assertRedirected() throws Exception {
    List<JsonNode> records = connect("127.0.0.1", "127.0.0.2", DIALLED, 7);
    assertRedirected(SidecarProcess.of(records, "outbound"), "127.0.0.1", "127.0.0.2");
    JsonNode inbound = SidecarProcess.of(records, "inbound");
    assertReached(inbound, "127.0.0.1");
    assertUntouched(inbound);

    records = connect("::1", "2001:db8::2", DIALLED, 7);
    assertRedirected(SidecarProcess.of(records, "outbound"), "::1", "2001:db8::2");
    assertUntouched(SidecarProcess.of(records, "inbound"));

    for (JsonNode record : connect("127.0.0.1", "127.0.0.1", REACHED, 7)) {
      assertReached(record, "127.0.0.1");
      assertUntouched(record);
    }
    MetricsPage page = MetricsPage.of(sidecar);
    assertThat(page.values("mesh_tcp_connections_opened_total", "destination_port"))
        .containsExactly(Integer.toString(REACHED));
    for (String reporter : List.of("source", "destination")) {
      assertThat(page.sum("mesh_tcp_connections_closed_total", Map.of("reporter", reporter)))
          .isEqualTo(3);
    }
  }

  @Test
  void theDialledAddressIsKeptFromAProgramThatWasThereBefore() throws Exception {
    assumeTrue(kernelOrders(), "links to cgroups have an order since Linux 6.17");
    attachRedirects(cgroup.path());
    startSidecar(cgroup.path());
    assertRedirected();
  }

  @Test
  void theDialledAddressIsKeptFromAProgramThatComesLater() throws Exception {
    startSidecar(cgroup.path());
    attachRedirects(cgroup.path());
    assertRedirected();
  }

  @Test
  void theDialledAddressIsKeptFromAProgramOfACgroupAbove() throws Exception {
    attachRedirects(cgroup.path());
    startSidecar(below);
    server.run("l = listen('127.0.0.1', %d)", REACHED);
    client.run("s = dial('127.0.0.2', %d); s.close()", DIALLED);
    server.run("finish(l.accept()[0])");
    assertRedirected(sidecar.awaitRecords(REACHED, 1).getFirst(), "127.0.0.1", "127.0.0.2");
  }

  /** It comes first, and the kernel's means against that do damage before Linux f08aaee3152d. */
  @Test
  void theAddressBeforeAProgramOfACgroupBelowIsNotKnown() throws Exception {
    attachRedirects(below);
    startSidecar(cgroup.path());
    for (JsonNode record : connect("127.0.0.1", "127.0.0.2", DIALLED, 7)) {
      assertReached(record, "127.0.0.1");
      assertUntouched(record);
    }
  }

  private static boolean kernelOrders() {
    String[] version = System.getProperty("os.version", "0.0").split("[^0-9]+", 3);
    return Integer.parseInt(version[0]) * 1_000 + Integer.parseInt(version[1]) >= 6_017;
  }

  @Test
  void anAddressThatTheKernelCompletesWasNotRewritten() throws Exception {
    startSidecar(cgroup.path());
    for (String any : List.of("0.0.0.0", "::")) {
      connect(any, any, REACHED, 11).forEach(OriginalDestinationIT::assertUntouched);
    }
    // An IPv4 address dialled through an IPv6 socket.
    for (JsonNode record : connect("127.0.0.1", "::ffff:127.0.0.1", REACHED, 13)) {
      assertReached(record, "127.0.0.1");
      assertUntouched(record);
    }
  }

  /** The one record of an attempt that sent nothing, found by a live pass. */
  private JsonNode assertUnsent(String address, int port) throws Exception {
    JsonNode record = sidecar.awaitRecords(port, 1).getFirst();
    assertThat(Ending.of(record)).isEqualTo(Ending.failed("unknown", ""));
    assertThat(record.at("/destination/address").asText()).isEqualTo(address);
    assertThat(record.at("/process/pid").asLong()).isEqualTo(client.pid());
    assertThat(record.path("packets_sent").asLong(-1)).isZero();
    assertUntouched(record);
    MetricsPage page = MetricsPage.of(sidecar);
    Map<String, String> ofPort = Map.of("destination_port", Integer.toString(port));
    assertThat(Totals.ofSums(page, "outbound", ofPort))
        .isEqualTo(new Totals(0, 0, Map.of("_OTHER", 1L), 0, 0));
    return record;
  }

  @Test
  void attemptsThatSendNothingAreFailedConnections() throws Exception {
    attach(cgroup.path(), "connect4", "forbid4");
    startSidecar(cgroup.path());
    assertThat(client.fail("dial('192.0.2.9', 7)")).isEqualTo("ENETUNREACH");
    assertThat(client.fail("dial('2001:db8::9', 8)")).isEqualTo("ENETUNREACH");
    assertThat(client.fail("dial('127.0.0.1', 82)")).isEqualTo("EPERM");
    // The socket stays open.
    assertThat(client.fail("k = tcp('192.0.2.9'); k.connect(('192.0.2.9', 9))"))
        .isEqualTo("ENETUNREACH");
    server.run("l = listen('127.0.0.1', %d)", REACHED);
    node.sysctl("ipv4/ip_local_port_range", "40000 40000");
    client.run("s = dial('127.0.0.1', %d)", REACHED);
    assertThat(client.fail("dial('127.0.0.1', %d)", REACHED)).isEqualTo("EADDRNOTAVAIL");

    assertUnsent("192.0.2.9", 7);
    assertUnsent("2001:db8::9", 8);
    assertUnsent("127.0.0.1", 82);
    JsonNode record = assertUnsent("192.0.2.9", 9);
    assertThat(record.path("source").isEmpty()).as("never bound: %s", record).isTrue();
    List<JsonNode> finals =
        sidecar.records(
            r ->
                r.at("/destination/port").asInt() == REACHED
                    && !r.path("event").asText().equals("periodic"));
    assertThat(finals.stream().map(Ending::of)).containsExactly(Ending.failed("unknown", ""));
    MetricsPage page = MetricsPage.of(sidecar);
    assertThat(page.values("mesh_tcp_connections_failed_total", "source_address"))
        .as("unknown is absent")
        .doesNotContain("::", "0.0.0.0");
    assertThat(page.sum("mesh_tcp_connections_failed_total", Map.of())).isEqualTo(5);
  }

  @Test
  void anAttemptOfASocketThatFoundItsSlotTakenIsNotForgotten() throws Exception {
    startSidecar(cgroup.path());
    server.run("l = listen('127.0.0.1', %d)", REACHED);
    client.run("s = dial('127.0.0.1', %d); k = tcp_at_slot('127.0.0.1', slot(s))", REACHED);
    assertThat(client.fail("k.connect(('192.0.2.9', 9))")).isEqualTo("ENETUNREACH");
    client.run("k.close()");
    // Two live passes, and an attempt counts as over after a second.
    Thread.sleep(3_000);
    assertThat(sidecar.recordsOfPort(9)).hasSize(1);
    assertUnsent("192.0.2.9", 9);
  }

  @Test
  void aSecondAttemptOfTheSameSocketEndsTheFirst() throws Exception {
    startSidecar(cgroup.path());
    server.run("l = listen('127.0.0.1', %d)", REACHED);
    client.run(
        """
        s = tcp('127.0.0.1')
        try: s.connect(('192.0.2.9', 9))
        except OSError: pass
        s.connect(('127.0.0.1', %d))
        s.close()
        """,
        REACHED);
    server.run("finish(l.accept()[0])");
    JsonNode first = assertUnsent("192.0.2.9", 9);
    JsonNode second = SidecarProcess.of(sidecar.awaitRecords(REACHED, 2), "outbound");
    assertThat(Ending.of(second)).isEqualTo(Ending.outbound("fin_local", 0, 0));
    assertThat(second.path("id").asText()).isEqualTo(first.path("id").asText() + ".1");
  }
}
