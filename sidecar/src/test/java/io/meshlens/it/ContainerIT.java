// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A cgroup with the name that a container runtime gives it, and a process in it. */
@RequiresKernel
class ContainerIT {
  private static final String ID = "5ca1ab1e".repeat(8);

  @Test
  void recordNamesTheContainerOfItsProcess() throws Exception {
    try (TestCgroup pod = new TestCgroup();
        SidecarProcess sidecar = SidecarProcess.run("cgroup=" + pod.path())) {
      try (TestCgroup container = new TestCgroup(pod, "docker-" + ID + ".scope");
          TcpPeer inside = new TcpPeer(container.entrance());
          TcpPeer outside = new TcpPeer(pod.entrance())) {
        connect(inside, outside);
        // The first connection of a container may come before its cgroup has been looked for.
        Thread.sleep(600);
        int port = connect(inside, outside);
        List<JsonNode> records = sidecar.awaitRecords(port, 2);
        JsonNode outbound = SidecarProcess.of(records, "outbound");
        assertThat(outbound.at("/process/container_id").asText()).isEqualTo(ID);
        assertThat(outbound.at("/process/cgroup_id").asLong())
            .isEqualTo(((Number) Files.getAttribute(container.path(), "unix:ino")).longValue());
        assertThat(SidecarProcess.of(records, "inbound").path("process").has("container_id"))
            .isFalse();
      }
    }
  }

  private static int connect(TcpPeer client, TcpPeer server) throws Exception {
    int port = server.run("l = listen('127.0.0.1', 0); l.getsockname()[1]").asInt();
    client.run("s = dial('127.0.0.1', %d)", port);
    server.run("a, _ = l.accept()");
    client.run("s.close()");
    server.run("a.close(); l.close()");
    return port;
  }
}
