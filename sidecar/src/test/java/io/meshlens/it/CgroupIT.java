// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Cgroups come, go and get members while one is watched. */
@RequiresKernel
class CgroupIT {
  private static final int OLD_PORT = 20_001;
  private static final int PORT = 20_002;

  private static List<String> entrance(Path cgroup, NetworkNamespace node) {
    List<String> command =
        new ArrayList<>(
            List.of("sh", "-c", "echo $$ > %s/cgroup.procs; exec \"$@\"".formatted(cgroup), "sh"));
    command.addAll(node.entrance());
    return command;
  }

  private static void exchange(TcpPeer peer, int port) throws Exception {
    peer.run(
        """
        l = listen('127.0.0.1', %1$d)
        s = dial('127.0.0.1', %1$d)
        a = l.accept()[0]
        s.sendall(bytes(41))
        take(a, 41)
        s.close()
        finish(a)
        """,
        port);
  }

  @Test
  void aCgroupThatAppearsBelowTheWatchedOneIsWatchedAndMayGoAgain() throws Exception {
    try (TestCgroup cgroup = new TestCgroup();
        NetworkNamespace node = new NetworkNamespace();
        SidecarProcess sidecar = SidecarProcess.run("cgroup=" + cgroup.path())) {
      for (int port : List.of(OLD_PORT, PORT)) {
        Path below = Files.createDirectory(cgroup.path().resolve("below"));
        try (TcpPeer peer = new TcpPeer(entrance(below, node))) {
          exchange(peer, port);
        } finally {
          Files.delete(below);
        }
        List<JsonNode> records = sidecar.awaitRecords(port, 2);
        assertThat(SidecarProcess.of(records, "outbound").path("bytes_sent").asLong())
            .isEqualTo(41);
      }
    }
  }

  /** A socket belongs to the cgroup it was made in; an accepted one to that of its listener. */
  @Test
  void ofAProcessThatIsMovedInTheSocketsMadeSinceAreReported() throws Exception {
    try (TestCgroup cgroup = new TestCgroup();
        NetworkNamespace node = new NetworkNamespace();
        TcpPeer peer = new TcpPeer(new ArrayList<>(node.entrance()))) {
      peer.run(
          """
          l = listen('127.0.0.1', %1$d)
          s = dial('127.0.0.1', %1$d)
          a = l.accept()[0]
          """,
          OLD_PORT);
      try (SidecarProcess sidecar = SidecarProcess.run("cgroup=" + cgroup.path())) {
        peer.run("open('%s/cgroup.procs', 'w').write(str(os.getpid()))", cgroup.path());
        peer.run("s2 = dial('127.0.0.1', %d); a2 = l.accept()[0]", OLD_PORT);
        peer.run("[sock.sendall(bytes(43)) for sock in (s, s2)]");
        peer.run("[take(sock, 43) for sock in (a, a2)]");
        peer.run("[sock.close() for sock in (s, s2)]; [finish(sock) for sock in (a, a2)]");
        JsonNode record = sidecar.awaitRecords(OLD_PORT, 1).getFirst();
        assertThat(record.path("direction").asText()).isEqualTo("outbound");
        assertThat(record.path("bytes_sent").asLong()).isEqualTo(43);

        // And of one that is moved out, those that were made inside.
        peer.run("l3 = listen('127.0.0.1', %1$d); s3 = dial('127.0.0.1', %1$d)", PORT);
        peer.run("a3 = l3.accept()[0]; l3.close()");
        peer.run("open('%s/../cgroup.procs', 'w').write(str(os.getpid()))", cgroup.path());
        peer.run("s3.sendall(bytes(47)); take(a3, 47); s3.close(); finish(a3)");
        assertThat(sidecar.awaitRecords(PORT, 2))
            .extracting(r -> r.path("bytes_sent").asLong() + r.path("bytes_received").asLong())
            .containsOnly(47L);
        exchange(peer, PORT);
        assertThat(sidecar.awaitRecords(PORT, 2)).hasSize(2);
      }
    }
  }

  @Test
  void aWatchedCgroupThatIsRemovedEndsReadinessWithAMessageAndTheStopIsClean() throws Exception {
    MountedBpfFileSystem files = new MountedBpfFileSystem();
    try (files) {
      TestCgroup cgroup = new TestCgroup();
      Path root = files.path("meshlens");
      try (SidecarProcess sidecar =
          SidecarProcess.run("cgroup=" + cgroup.path(), "kernel.pin_path=" + root)) {
        assertThat(sidecar.get("/readyz").statusCode()).isEqualTo(200);
        cgroup.close();
        ChildProcess.await(
            "the message",
            () ->
                sidecar.process().err().stream()
                    .filter(line -> line.contains(cgroup.path() + " is gone"))
                    .findFirst());
        assertThat(sidecar.get("/readyz").statusCode()).isEqualTo(503);
        assertThat(sidecar.get("/readyz").body()).contains("is gone");
        assertThat(sidecar.get("/healthz").statusCode()).isEqualTo(200);
        assertThat(sidecar.get("/metrics").statusCode()).isEqualTo(200);
        sidecar.process().terminate();
        assertThat(sidecar.process().exitCode()).isZero();
      }
      // One of the same name is another: what was pinned for the old one is removed.
      Files.createDirectory(cgroup.path());
      try (SidecarProcess again =
              SidecarProcess.run("cgroup=" + cgroup.path(), "kernel.pin_path=" + root);
          NetworkNamespace node = new NetworkNamespace();
          TcpPeer peer = new TcpPeer(entrance(cgroup.path(), node))) {
        exchange(peer, PORT);
        assertThat(again.awaitRecords(PORT, 2)).hasSize(2);
      } finally {
        ChildProcess.await(
            "the end of all members",
            () -> Optional.of(true).filter(x -> cgroup.path().toFile().delete()));
      }
    }
  }
}
