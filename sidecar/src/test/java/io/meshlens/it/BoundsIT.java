// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** More sockets than may be tracked, and less memory than the maps want. */
@RequiresKernel
class BoundsIT {
  private static final List<String> REPORTERS = List.of("source", "destination");
  private static final int PORT = 20_000;
  private static final int SOCKET_STATE_BYTES = 144;

  private MountedBpfFileSystem files;
  private TestCgroup cgroup;
  private NetworkNamespace node;
  private TcpPeer peer;
  private TcpPeer second;

  @BeforeEach
  void startPeers() throws Exception {
    files = new MountedBpfFileSystem();
    cgroup = new TestCgroup();
    node = new NetworkNamespace();
    peer = peer(PORT);
    // One process may not have descriptors for all.
    second = peer(PORT + 1);
  }

  private TcpPeer peer(int port) throws Exception {
    TcpPeer peer = new TcpPeer(cgroup.entrance(node));
    peer.run(
        """
        import resource
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        l = listen('0.0.0.0', %1$d, backlog=4096)
        def flood(count):
            made = []
            for i in range(count):
                s = socket()
                s.bind(('127.0.1.%%d' %% (i %% 7 + 1), 0))
                s.connect(('127.0.0.1', %1$d))
                s.sendall(bytes(11))
                a = l.accept()[0]
                take(a, 11)
                made.append((s, a))
            return made
        def end(made):
            for s, a in made:
                s.close(); a.close()
        def scan(count):
            refused = 0
            for i in range(count):
                with socket() as s:
                    refused += s.connect_ex(('127.0.0.1', 30_000 + i)) == errno.ECONNREFUSED
            return refused
        """,
        port);
    return peer;
  }

  @AfterEach
  void end() throws Exception {
    for (AutoCloseable part : new AutoCloseable[] {peer, second, node, cgroup, files}) {
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

  private static long untracked(MetricsPage page) {
    return page.sum("meshlens_connections_untracked_total", Map.of("cause", "max_sockets"));
  }

  private static long of(MetricsPage page, String counter, String reporter) {
    return page.sum("mesh_tcp_" + counter + "_total", Map.of("reporter", reporter));
  }

  @Test
  void aFloodIsTrackedUpToTheBoundAndCountedExactlyBeyond() throws Exception {
    int bound = 4096;
    int connections = 10_005;
    int refused = 3001;
    try (SidecarProcess sidecar = start("kernel.max_sockets=" + bound)) {
      second.begin("f = flood(%d)", connections / 2);
      peer.run("f = flood(%d)", connections - connections / 2);
      second.value();
      MetricsPage open = MetricsPage.of(sidecar);
      long tracked = 0;
      for (String reporter : REPORTERS) {
        long opened = of(open, "connections_opened", reporter);
        tracked += opened;
        long carried = of(open, "io_bytes", reporter);
        assertThat(carried).isEqualTo(11 * opened);
      }
      assertThat(tracked + untracked(open)).isEqualTo(2L * connections);
      assertThat(open.sum("meshlens_sockets_used", Map.of())).isEqualTo(tracked);
      assertThat(open.sum("meshlens_sockets_capacity", Map.of())).isEqualTo(bound);
      // Two processors may both take the last place; slots that nobody's cookie fits stay free.
      assertThat(tracked).isBetween(bound * 9L / 10, bound + 16L);
      assertThat(open.sum("meshlens_sockets_overflow", Map.of())).isBetween(2500L, 2576L);

      assertThat(peer.run("scan(%d)", refused).asInt()).isEqualTo(refused);
      MetricsPage scanned = MetricsPage.of(sidecar);
      long failed = of(scanned, "connections_failed", "source");
      assertThat(tracked + failed + untracked(scanned)).isEqualTo(2L * connections + refused);

      peer.run("end(f)");
      second.run("end(f)");
      long records = tracked + failed;
      ChildProcess.await(
          "all records",
          () -> Optional.of(true).filter(x -> sidecar.records(record -> true).size() >= records));
      assertThat(sidecar.records(record -> true)).hasSize((int) records);
      MetricsPage over = MetricsPage.of(sidecar);
      assertThat(
              of(over, "connections_closed", "source")
                  + of(over, "connections_closed", "destination"))
          .isEqualTo(tracked);
      assertThat(untracked(over)).isEqualTo(untracked(scanned));
      assertThat(over.sum("meshlens_connections_vanished_total", Map.of())).isZero();
      assertThat(over.sum("meshlens_sockets_used", Map.of())).isZero();
      assertMemory(bound);

      // There is room again.
      peer.run("f = flood(1001)");
      MetricsPage again = MetricsPage.of(sidecar);
      assertThat(untracked(again)).isEqualTo(untracked(over));
      for (String reporter : REPORTERS) {
        assertThat(of(again, "connections_opened", reporter))
            .isEqualTo(of(over, "connections_opened", reporter) + 1001);
      }
      peer.run("end(f)");
    }
  }

  /** Of slots; what does not fit is bounded by the count of storage, above. */
  private void assertMemory(int bound) throws IOException, InterruptedException {
    try (var layouts = Files.list(files.path("meshlens"))) {
      Path maps = layouts.findFirst().orElseThrow().resolve("maps");
      assertThat(maps.toString()).contains("sockets" + bound);
      int slots = 1024 + bound / 8;
      assertThat(
              Bpftool.show("map", "show", "pinned", maps.resolve("sockets").toString())
                  .path("bytes_memlock")
                  .asLong())
          .isBetween((long) slots * SOCKET_STATE_BYTES, (slots + 64L) * SOCKET_STATE_BYTES);
    }
  }

  @Test
  void adoptionKeepsTheBoundToo() throws Exception {
    int connections = 1501;
    peer.run("f = flood(%d)", connections);
    try (SidecarProcess sidecar = start("kernel.max_sockets=2048")) {
      MetricsPage open = MetricsPage.of(sidecar);
      long adopted = 2048 - 1024 - 256;
      assertThat(open.sum("meshlens_sockets_overflow", Map.of())).isEqualTo(adopted);
      assertThat(untracked(open)).isEqualTo(2L * connections - adopted);
      peer.run("end(f)");
      assertThat(sidecar.awaitRecords(PORT, (int) adopted)).hasSize((int) adopted);
    }
  }

  @Test
  void everyBoundIsAGaugeWithItsFill() throws Exception {
    try (SidecarProcess sidecar = start("kernel.max_sockets=4096")) {
      peer.run("f = flood(3)");
      MetricsPage page = MetricsPage.of(sidecar);
      assertThat(page.sum("meshlens_sockets_used", Map.of())).isEqualTo(6);
      assertThat(page.sum("meshlens_sockets_overflow", Map.of())).isZero();
      assertThat(page.sum("meshlens_listeners_used", Map.of())).isEqualTo(2);
      assertThat(page.sum("meshlens_listeners_capacity", Map.of())).isEqualTo(4096);
      assertThat(page.sum("meshlens_sums_used", Map.of())).isEqualTo(6);
      assertThat(page.sum("meshlens_sums_capacity", Map.of())).isEqualTo(16384);
      assertThat(page.sum("meshlens_ring_size_bytes", Map.of())).isEqualTo(8 << 20);
      peer.run("end(f)");
    }
  }

  @Test
  void aMapThatTheMemoryLimitForbidsIsNamedWithTheKeyToLower() throws Exception {
    try (MemoryLimit limit = new MemoryLimit(400L << 20);
        ChildProcess run =
            new ChildProcess(
                new ProcessBuilder(
                    limit.entrance(
                        SidecarProcess.LAUNCHER,
                        "run",
                        "--set",
                        "telemetry.address=127.0.0.1:0",
                        "--set",
                        "kernel.ring_size=512MiB",
                        "--set",
                        "cgroup=" + cgroup.path())))) {
      assertThat(run.exitCode()).as("%s", run.err()).isEqualTo(3);
      assertThat(String.join("\n", run.err()))
          .contains("no memory for the map records")
          .contains("kernel.ring_size");
    }
  }
}
