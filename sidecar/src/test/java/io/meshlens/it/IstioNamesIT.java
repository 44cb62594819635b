// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.net.InetAddresses;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** From what a control plane tells to the names in records of real connections. */
@RequiresKernel
class IstioNamesIT {
  private static final int PORT = 8080;

  private static String pod(String name, String service, String address) {
    return """
        "blue//Pod/shop/%1$s": {"version": "1", "address": {"workload": {
          "uid": "blue//Pod/shop/%1$s", "name": "%1$s", "namespace": "shop",
          "workloadName": "%2$s", "serviceAccount": "%2$s", "clusterId": "blue",
          "addresses": ["%3$s"], "services": {"shop/%2$s.shop.svc.cluster.local": {}}}}},
        "shop/%2$s.shop.svc.cluster.local": {"version": "1", "address": {"service": {
          "name": "%2$s", "namespace": "shop", "hostname": "%2$s.shop.svc.cluster.local"}}}"""
        .formatted(
            name,
            service,
            Base64.getEncoder().encodeToString(InetAddresses.forString(address).getAddress()))
        .replace("\n", " ");
  }

  @Test
  void endsOfAConnectionHaveTheNamesThatTheControlPlaneTells() throws Exception {
    try (TestCgroup cgroup = new TestCgroup();
        NetworkNamespace clientNode = new NetworkNamespace();
        NetworkNamespace serverNode = new NetworkNamespace();
        ControlPlaneProcess plane = new ControlPlaneProcess()) {
      NetworkNamespace.join("cable", clientNode, serverNode);
      clientNode.ip("address add 192.0.2.1/24 dev cable");
      serverNode.ip("address add 192.0.2.2/24 dev cable");
      plane.obey(
          "{\"tell\": {%s, %s}}"
              .formatted(pod("web-1", "web", "192.0.2.1"), pod("db-1", "db", "192.0.2.2")));
      try (SidecarProcess sidecar =
              SidecarProcess.run(
                  "cgroup=" + cgroup.path(),
                  "identity.istio.address=127.0.0.1:" + plane.port(),
                  "identity.istio.tls=false",
                  "identity.istio.cluster=blue");
          TcpPeer client = new TcpPeer(cgroup.entrance(clientNode));
          TcpPeer server = new TcpPeer(cgroup.entrance(serverNode))) {
        plane.awaitRequest(1, 2);
        server.run("l = listen('192.0.2.2', %d)", PORT);
        client.run("s = dial('192.0.2.2', %d)", PORT);
        server.run("a = l.accept()[0]");
        client.run("s.close()");
        server.run("a.close()");

        List<JsonNode> records = sidecar.awaitRecords(PORT, 2);

        for (JsonNode record : records) {
          assertName(record.path("source"), "web-1", "web");
          assertName(record.path("destination"), "db-1", "db");
        }
        assertThat(sidecar.metric("meshlens_identity_istio_connected", Map.of())).isEqualTo(1);
        assertThat(sidecar.metric("meshlens_identity_istio_claimed", Map.of())).isEqualTo(2);
        assertThat(sidecar.get("/readyz").body()).doesNotContain("identity-istio");
        plane.close();
        ChildProcess.await(
            "a note", () -> Optional.of(readyz(sidecar)).filter(t -> t.contains("as of before")));
        assertThat(sidecar.get("/readyz").statusCode()).isEqualTo(200);
        sidecar.process().terminate();
        assertThat(sidecar.process().exitCode()).isZero();
      }
    }
  }

  private static String readyz(SidecarProcess sidecar) {
    try {
      return sidecar.get("/readyz").body();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "";
    }
  }

  private static void assertName(JsonNode end, String pod, String workload) {
    assertThat(end.path("pod").asText()).as("%s", end).isEqualTo(pod);
    assertThat(end.path("workload").asText()).isEqualTo(workload);
    assertThat(end.path("namespace").asText()).isEqualTo("shop");
    assertThat(end.path("service").asText()).isEqualTo(workload);
    assertThat(end.path("cluster").asText()).isEqualTo("blue");
  }
}
