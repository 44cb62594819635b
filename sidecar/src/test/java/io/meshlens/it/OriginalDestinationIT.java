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

/** What connect(2) was asked for, before another program rewrote it. */
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
    load(programs);
    cgroup = new TestCgroup();
    below = Files.createDirectory(cgroup.path().resolve("below"));
    node = new NetworkNamespace();
    client = new TcpPeer(entrance(below));
    server = new TcpPeer(cgroup.entrance(node));
  }

  /** As of {@link TestCgroup}, for one below it. */
  private List<String> entrance(Path directory) {
    List<String> entrance = new ArrayList<>(cgroup.entrance(node));
    entrance.replaceAll(word -> word.replace(cgroup.path() + "/", directory + "/"));
    return entrance;
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
    sidecar = SidecarProcess.run("cgroup=" + watched);
  }

  static void load(MountedBpfFileSystem programs) throws Exception {
    Bpftool.run("prog", "loadall", REDIRECT.toString(), programs.path("mesh").toString());
  }

  /** As agents do that are older than links: no order, for the cgroup and all below. */
  static void attach(MountedBpfFileSystem programs, Path directory, String hook, String program)
      throws Exception {
    String pinned = programs.path("mesh/" + program).toString();
    Bpftool.run("cgroup", "attach", directory.toString(), hook, "pinned", pinned, "multi");
  }

  private void attachRedirects(Path directory) throws Exception {
    attach(programs, directory, "connect4", "redirect4");
    attach(programs, directory, "connect6", "redirect6");
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

  /** The latter comes first; the kernel's means against that do damage before f08aaee3152d. */
  @Test
  void theDialledAddressIsKeptFromAProgramOfACgroupAboveAndNotFromOneBelow() throws Exception {
    Path watched = below;
    below = Files.createDirectory(watched.resolve("below"));
    try (TcpPeer lowest = new TcpPeer(entrance(below))) {
      attach(programs, cgroup.path(), "connect4", "redirect4");
      attach(programs, below, "connect6", "redirect6");
      startSidecar(watched);
      server.run("l = listen('127.0.0.1', %1$d); l6 = listen('::1', %1$d)", REACHED);
      lowest.run("s = dial('127.0.0.2', %d); s.close()", DIALLED);
      server.run("finish(l.accept()[0])");
      JsonNode first = sidecar.awaitRecords(REACHED, 1).getFirst();
      assertRedirected(first, "127.0.0.1", "127.0.0.2");
      lowest.run("s = dial('2001:db8::2', %d); s.close()", DIALLED);
      server.run("finish(l6.accept()[0])");
      JsonNode second = sidecar.awaitRecords(REACHED, 2).getLast();
      assertReached(second, "::1");
      assertUntouched(second);
    } finally {
      Files.delete(below);
      below = watched;
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
}
