// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When UDP is watched, for how long, how much of it, and what is not. */
@RequiresKernel
class UdpLifeIT {
  private static final int PORT = 20_000;

  private MountedBpfFileSystem files;
  private TestCgroup cgroup;
  private NetworkNamespace node;
  private TcpPeer client;
  private TcpPeer server;

  @BeforeEach
  void startPeers() throws Exception {
    files = new MountedBpfFileSystem();
    cgroup = new TestCgroup();
    node = new NetworkNamespace();
    client = UdpPeers.start(cgroup.entrance(node));
    server = UdpPeers.start(cgroup.entrance(node));
  }

  @AfterEach
  void end() throws Exception {
    for (AutoCloseable part : new AutoCloseable[] {client, server, node, cgroup, files}) {
      if (part != null) {
        part.close();
      }
    }
  }

  private SidecarProcess start(String... settings) throws Exception {
    List<String> all = new ArrayList<>(List.of(settings));
    all.add("cgroup=" + cgroup.path());
    all.add("kernel.pin_path=" + files.path("meshlens"));
    return SidecarProcess.run(all.toArray(String[]::new));
  }

  /** Programs that are attached to the cgroup, by name. */
  private Set<String> attached() throws Exception {
    Set<String> names = new TreeSet<>();
    Bpftool.show("cgroup", "show", cgroup.path().toString())
        .forEach(program -> names.add(program.path("name").asText()));
    return names;
  }

  @Test
  void nothingOfItIsThereUnlessItIsAskedFor() throws Exception {
    try (SidecarProcess sidecar = start()) {
      assertThat(attached()).containsExactlyInAnyOrder("tcp_lifecycle", "tcp_dial4", "tcp_dial6");
      server.run("s = udp('127.0.0.1', %d)", PORT);
      client.run("c = udp(); c.sendto(bytes(3), ('127.0.0.1', %d)); c.close()", PORT);
      server.run("take(s, 1); s.close()");
      String page = sidecar.get("/metrics").body();
      assertThat(page).doesNotContain("mesh_udp_").doesNotContain("meshlens_udp_flows");
      assertThat(sidecar.get("/readyz").body()).doesNotContain("udp");
      assertThat(sidecar.records(record -> true)).isEmpty();
    }
    // The pinned programs of UDP go with the setting.
    try (SidecarProcess sidecar = start("kernel.udp=true")) {
      assertThat(attached())
          .contains("udp_egress", "udp_ingress", "udp_bind4", "udp_bind6", "udp_close");
    }
    assertThat(attached()).contains("udp_ingress");
    try (SidecarProcess sidecar = start()) {
      assertThat(attached()).containsExactlyInAnyOrder("tcp_lifecycle", "tcp_dial4", "tcp_dial6");
    }
  }

  @Test
  void anIdleFlowIsReportedAndLivesAgain() throws Exception {
    try (SidecarProcess sidecar = start("kernel.udp=true", "kernel.udp_idle_timeout=1s")) {
      server.run("s = udp('127.0.0.1', %d)", PORT);
      client.run("c = udp(); c.connect(('127.0.0.1', %d))", PORT);
      client.run("[c.send(bytes(5)) for i in range(3)]");
      server.run("take(s, 3)");
      assertThat(sidecar.recordsOfPort(PORT)).isEmpty();
      ChildProcess.await(
          "idle records",
          () -> {
            scrape(sidecar);
            return Optional.of(true).filter(x -> sidecar.recordsOfPort(PORT).size() == 2);
          });
      List<JsonNode> idle = sidecar.awaitRecords(PORT, 2);
      assertThat(idle).allMatch(r -> r.path("termination").asText().equals("idle"));
      assertThat(idle.stream().map(UdpCounts::of))
          .containsExactlyInAnyOrder(new UdpCounts(3, 15, 0, 0), new UdpCounts(0, 0, 3, 15));
      assertThat(idle).allMatch(r -> r.path("duration_ns").asLong() < 900_000_000L);
      assertThat(MetricsPage.of(sidecar).sum("meshlens_udp_flows_used", Map.of())).isZero();

      client.run("[c.send(bytes(7)) for i in range(5)]");
      server.run("take(s, 5)");
      client.run("c.close()");
      server.run("s.close()");
      List<JsonNode> all = sidecar.awaitRecords(PORT, 4);
      assertThat(all.subList(2, 4))
          .allMatch(r -> r.path("termination").asText().equals("closed"))
          .extracting(UdpCounts::of)
          .containsExactlyInAnyOrder(new UdpCounts(5, 35, 0, 0), new UdpCounts(0, 0, 5, 35));
      assertThat(all.stream().map(r -> r.path("id").asText())).doesNotHaveDuplicates();
      assertThat(UdpCounts.ofSums(MetricsPage.of(sidecar), "source", "" + PORT))
          .isEqualTo(new UdpCounts(8, 50, 0, 0));
    }
  }

  private static void scrape(SidecarProcess sidecar) {
    try {
      sidecar.get("/metrics");
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void beyondTheBoundTheSumsStayExactAndWhatHasNoRecordIsCounted() throws Exception {
    int flows = 3001;
    try (SidecarProcess sidecar = start("kernel.udp=true", "kernel.udp_max_flows=2048")) {
      server.run("s = udp('0.0.0.0', %d)", PORT);
      client.run("c = []");
      for (int i = 0; i < flows; i += 100) {
        int some = Math.min(100, flows - i);
        client.run(
            "n = [udp() for i in range(%d)]; [s.sendto(bytes(3), ('127.0.0.1', %d)) for s in n];"
                + " c += n",
            some, PORT);
        server.run("echo(s, %d)", some);
      }
      client.run("[take(s, 1) for s in c]");
      MetricsPage open = MetricsPage.of(sidecar);
      UdpCounts each = new UdpCounts(flows, 3L * flows, flows, 3L * flows);
      assertThat(UdpCounts.ofSums(open, "source", "" + PORT)).isEqualTo(each);
      assertThat(UdpCounts.ofSums(open, "destination", "" + PORT)).isEqualTo(each);
      long used = open.sum("meshlens_udp_flows_used", Map.of());
      assertThat(used).isBetween(1500L, 2048L);
      assertThat(open.sum("meshlens_udp_flows_capacity", Map.of())).isEqualTo(2048);
      long untracked = open.sum("meshlens_udp_untracked_total", Map.of());
      client.run("[s.close() for s in c]");
      server.run("s.close()");
      sidecar.get("/metrics");
      List<JsonNode> records = sidecar.awaitRecords(PORT, (int) used);
      UdpCounts recorded = UdpCounts.sumOf(records);
      assertThat(recorded.packetsSent() + recorded.packetsReceived() + untracked)
          .isEqualTo(4L * flows);
      MetricsPage over = MetricsPage.of(sidecar);
      assertThat(over.sum("meshlens_udp_flows_used", Map.of())).isZero();
      assertThat(UdpCounts.ofSums(over, "source", "" + PORT)).isEqualTo(each);
    }
  }

  /** One datagram and its echo between a client and a server at a port of its own. */
  private void exchange(TcpPeer from, TcpPeer to, String address, int port) throws Exception {
    to.run("s = udp('%s', %d)", address, port);
    from.run("c = udp(); c.sendto(bytes(3), ('%s', %d))", address, port);
    to.run("echo(s, 1); s.close()");
    from.run("take(c, 1); c.close()");
  }

  private static String sides(SidecarProcess sidecar, int port) {
    return sidecar.recordsOfPort(port).stream()
        .map(record -> record.path("direction").asText())
        .sorted()
        .collect(Collectors.joining(" "));
  }

  @Test
  void eachDimensionOfAFilterExcludesWhatItSaysAndNothingElse() throws Exception {
    try (TestCgroup below = new TestCgroup(cgroup, "below");
        TcpPeer clientBelow = UdpPeers.start(below.entrance(node));
        TcpPeer one = UdpPeers.start(cgroup.entrance(node));
        NetworkNamespace other = new NetworkNamespace();
        TcpPeer stranger = UdpPeers.start(cgroup.entrance(other));
        SidecarProcess sidecar =
            start(
                "kernel.udp=true",
                "filter.exclude=port=%d; cidr=127.0.0.3; direction=inbound,port=%d; pid=%d; netns=%d; cgroup=/below"
                    .formatted(PORT + 1, PORT + 3, one.pid(), netns(stranger)))) {
      exchange(client, server, "127.0.0.1", PORT);
      exchange(client, server, "127.0.0.1", PORT + 1);
      exchange(client, server, "127.0.0.3", PORT + 2);
      exchange(client, server, "127.0.0.1", PORT + 3);
      exchange(one, server, "127.0.0.1", PORT + 4);
      exchange(client, one, "127.0.0.1", PORT + 5);
      exchange(clientBelow, server, "127.0.0.1", PORT + 6);
      exchange(stranger, stranger, "127.0.0.1", PORT + 7);
      exchange(client, server, "127.0.0.1", PORT + 8);
      sidecar.awaitRecords(PORT + 8, 2);
      assertThat(IntStream.range(0, 9).mapToObj(i -> sides(sidecar, PORT + i)))
          .containsExactly(
              "inbound outbound",
              "",
              "",
              "outbound",
              "inbound",
              "outbound",
              "inbound",
              "",
              "inbound outbound");
      MetricsPage page = MetricsPage.of(sidecar);
      assertThat(page.sum("mesh_udp_packets_total", Map.of())).isEqualTo(2 * 8);
      assertThat(page.sum("meshlens_connections_filtered_total", Map.of("cause", "rule")))
          .isEqualTo(18 - 8);
    }
  }

  private static long netns(TcpPeer peer) throws Exception {
    Path file = Path.of("/proc/" + peer.pid() + "/ns/net");
    return ((Number) Files.getAttribute(file, "unix:ino")).longValue();
  }

  @Test
  void socketsOlderThanTheSidecarAreSeenFromTheirNextDatagram() throws Exception {
    server.run("s = udp('127.0.0.1', %d)", PORT);
    client.run("c = udp(); c.connect(('127.0.0.1', %d)); c.send(bytes(3))", PORT);
    try (SidecarProcess sidecar = start("kernel.udp=true")) {
      // The first that is seen is an answer.
      server.run("echo(s, 1)");
      client.run("take(c, 1); c.send(bytes(5))");
      server.run("echo(s, 1)");
      client.run("take(c, 1); c.close()");
      server.run("s.close()");
      List<JsonNode> records = sidecar.awaitRecords(PORT, 2);
      assertThat(UdpCounts.of(SidecarProcess.of(records, "inbound")))
          .isEqualTo(new UdpCounts(2, 8, 1, 5));
      assertThat(UdpCounts.of(SidecarProcess.of(records, "outbound")))
          .isEqualTo(new UdpCounts(1, 5, 2, 8));
    }
  }

  @Test
  void pinnedFlowsAreCountedWhileNoSidecarRuns() throws Exception {
    try (SidecarProcess sidecar = start("kernel.udp=true")) {
      server.run("s = udp('127.0.0.1', %d)", PORT);
      client.run("c = udp(); c.connect(('127.0.0.1', %d)); c.send(bytes(3))", PORT);
      server.run("echo(s, 1)");
      assertThat(sidecar.recordsOfPort(PORT)).isEmpty();
    }
    client.run("take(c, 1); c.send(bytes(5))");
    server.run("echo(s, 1)");
    client.run("take(c, 1); c.close()");
    try (SidecarProcess sidecar = start("kernel.udp=true")) {
      server.run("s.close()");
      List<JsonNode> records = sidecar.awaitRecords(PORT, 2);
      assertThat(records).allMatch(r -> r.path("termination").asText().equals("closed"));
      assertThat(records.stream().map(UdpCounts::of))
          .containsOnly(new UdpCounts(2, 8, 2, 8))
          .hasSize(2);
      assertThat(UdpCounts.ofSums(MetricsPage.of(sidecar), "source", "" + PORT))
          .isEqualTo(new UdpCounts(2, 8, 2, 8));
    }
  }

  @Test
  void anOpenFlowHasPeriodicRecords() throws Exception {
    try (SidecarProcess sidecar = start("kernel.udp=true", "access_log.periodic_interval=1s")) {
      server.run("s = udp('127.0.0.1', %d)", PORT);
      client.run("c = udp(); c.connect(('127.0.0.1', %d)); c.send(bytes(3))", PORT);
      server.run("echo(s, 1)");
      ChildProcess.await(
          "periodic records",
          () -> Optional.of(true).filter(x -> sidecar.recordsOfPort(PORT).size() >= 2));
      JsonNode first = sidecar.recordsOfPort(PORT).getFirst();
      assertThat(first.path("event").asText()).isEqualTo("periodic");
      assertThat(first.has("termination")).isFalse();
      assertThat(UdpCounts.of(first)).isEqualTo(new UdpCounts(1, 3, 1, 3));
    }
  }
}
