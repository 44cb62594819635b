// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Names of a static file in the lines of the program, also after the file has changed. */
@RequiresKernel
final class NamesIT {
  @TempDir private Path directory;

  @Test
  void linesCarryTheNamesOfTheFileThatIsInForce() throws Exception {
    Path file = directory.resolve("names.yaml");
    Files.writeString(
        file,
        """
        - {cidr: 127.0.0.0/8, workload: here, namespace: "with \\"quotes\\""}
        - {cidr: 127.0.0.9, workload: nine, service: numbers}
        """);
    try (SidecarProcess sidecar =
            SidecarProcess.run("identity.static.file=" + file, "identity.container.enabled=false");
        TcpPeer peer = new TcpPeer(List.of())) {
      JsonNode before = outbound(sidecar, peer);
      assertThat(before.at("/source/workload").asText()).isEqualTo("here");
      assertThat(before.at("/source/namespace").asText()).isEqualTo("with \"quotes\"");
      assertThat(before.at("/destination/workload").asText()).isEqualTo("nine");
      assertThat(before.at("/destination/service").asText()).isEqualTo("numbers");
      assertThat(before.path("destination").has("namespace")).isFalse();

      Files.writeString(file, "- {cidr: 127.0.0.0/8, workload: later}\n- {cidr: 127.0.0.1/8}\n");
      hangUp(sidecar, "names.yaml:2: cidr");
      assertThat(outbound(sidecar, peer).at("/source/workload").asText()).isEqualTo("here");

      Files.writeString(file, "- {cidr: 127.0.0.0/8, workload: later}\n");
      hangUp(sidecar, "names.yaml names 1 networks");
      JsonNode after = outbound(sidecar, peer);
      assertThat(after.at("/source/workload").asText()).isEqualTo("later");
      assertThat(after.at("/destination/workload").asText()).isEqualTo("later");
      assertThat(sidecar.metric("meshlens_identity_hits_total", Map.of("cause", "static")))
          .isGreaterThanOrEqualTo(12);
    }
  }

  private static JsonNode outbound(SidecarProcess sidecar, TcpPeer peer)
      throws IOException, InterruptedException {
    int port = peer.run("l = listen('127.0.0.9', 0); l.getsockname()[1]").asInt();
    peer.run("s = dial('127.0.0.9', %d); a, _ = l.accept()", port);
    peer.run("s.close(); a.close(); l.close()");
    return SidecarProcess.of(sidecar.awaitRecords(port, 2), "outbound");
  }

  private static void hangUp(SidecarProcess sidecar, String answer)
      throws IOException, InterruptedException {
    int before = sidecar.process().err().size();
    assertThat(
            new ProcessBuilder("kill", "-HUP", Long.toString(sidecar.process().pid()))
                .start()
                .waitFor())
        .isZero();
    ChildProcess.await(
        answer + " in " + sidecar.process().err(),
        () ->
            sidecar.process().err().stream()
                .skip(before)
                .filter(line -> line.contains(answer))
                .findFirst());
  }
}
