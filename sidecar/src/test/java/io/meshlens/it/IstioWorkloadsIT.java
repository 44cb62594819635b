// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.net.HostAndPort;
import com.google.common.net.InetAddresses;
import io.meshlens.enrich.xds.DiscoveryConfig;
import io.meshlens.vitals.SelfMetric;
import io.meshlens.vitals.Vital;
import java.io.IOException;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The client against a control plane of another language, over the wire, without TLS. */
class IstioWorkloadsIT {
  private static final DiscoveryConfig.Security PLAIN = new DiscoveryConfig.Plaintext();
  private static final String GARBAGE = Base64.getEncoder().encodeToString(new byte[] {10, 127});

  private static String bytes(String literal) {
    return Base64.getEncoder().encodeToString(InetAddresses.forString(literal).getAddress());
  }

  private static String pod(String name, String address) {
    return pod(name, bytes(address), "");
  }

  /** A member of a command's {@code tell}, with more fields of the workload. */
  private static String pod(String name, String addressBytes, String more) {
    return """
        "blue//Pod/shop/%1$s": {"version": "%2$s", "address": {"workload": {
          "uid": "blue//Pod/shop/%1$s", "name": "%1$s", "namespace": "shop", "workloadName": "web",
          "addresses": ["%2$s"] %3$s}}}"""
        .formatted(name, addressBytes, more)
        .replace("\n", " ");
  }

  private static String service(String name, String addresses) {
    return """
        "shop/%1$s.shop.svc.cluster.local": {"version": "1", "address": {"service": {
          "name": "%1$s", "namespace": "shop", "hostname": "%1$s.shop.svc.cluster.local",
          "addresses": [%2$s]}}}"""
        .formatted(name, addresses)
        .replace("\n", " ");
  }

  private static String tell(String... resources) {
    return "{\"tell\": {" + String.join(", ", resources) + "}}";
  }

  @Test
  void everythingIsAskedForOnceAndAcknowledgedAndThenFollowed() throws Exception {
    try (ControlPlaneProcess plane = new ControlPlaneProcess("--generate", "3000");
        DiscoveryClient client = new DiscoveryClient(DiscoveryClient.config(plane.port(), PLAIN))) {
      assertThat(client.readiness.isReady()).isTrue();
      JsonNode acknowledged = plane.awaitRequest(1, 2);
      assertThat(client.names()).hasSize(3000).containsEntry("10.1.11.183", "pod-2999");
      assertThat(client.owner("10.1.0.7").serviceHost()).isEqualTo("app-7.shop.svc.cluster.local");
      JsonNode first = plane.requests(1).getFirst();
      assertThat(first.path("subscribe").toString()).isEqualTo("[\"*\"]");
      assertThat(first.path("known").asInt()).isZero();
      assertThat(first.path("type").asText())
          .isEqualTo("type.googleapis.com/istio.workload.Address");
      JsonNode node = first.path("node");
      assertThat(node.path("id").asText())
          .isEqualTo("ztunnel~10.9.9.9~meshlens-x7k2p.meshlens~meshlens.svc.cluster.local");
      assertThat(node.path("userAgentVersion").asText()).isEqualTo("9.9.9");
      assertThat(node.path("metadata").toString())
          .contains("\"INSTANCE_IPS\":\"10.9.9.9\"", "\"NAME\":\"meshlens-x7k2p\"")
          .contains("\"NAMESPACE\":\"meshlens\"", "\"NODE_NAME\":\"node-7\"")
          .contains("\"CLUSTER_ID\":\"blue\"")
          .doesNotContain("NETWORK\":");
      assertThat(acknowledged.path("nonce").asText()).isEqualTo("nonce-1");
      assertThat(acknowledged.path("error").isNull()).isTrue();
      assertThat(client.level(SelfMetric.IDENTITY_ISTIO_CONNECTED)).isEqualTo(1);

      plane.obey(
          """
          {"tell": {%s, %s}, "remove": ["Kubernetes//Pod/shop/pod-0"]}"""
              .formatted(
                  pod("web-1", "10.0.0.1"),
                  service("web", "{\"address\": \"" + bytes("10.96.0.1") + "\"}")));
      assertThat(plane.awaitRequest(1, 3).path("nonce").asText()).isEqualTo("nonce-2");

      assertThat(client.names())
          .hasSize(3001)
          .containsEntry("10.0.0.1", "web-1")
          .containsEntry("10.96.0.1", "<web>")
          .doesNotContainKey("10.1.0.0");
      assertThat(client.level(SelfMetric.IDENTITY_ISTIO_RESOURCES)).isEqualTo(3001);
      assertThat(client.level(SelfMetric.IDENTITY_ISTIO_CLAIMED)).isEqualTo(3001);
      assertThat(client.readiness.lines()).isEmpty();
      assertThat(client.end()).isLessThan(Duration.ofSeconds(2));
      plane.awaitGone(1);
      assertThat(client.names()).hasSize(3001);
    }
  }

  @Test
  void afterABreakOnlyWhatChangedComesAgain() throws Exception {
    try (ControlPlaneProcess plane = new ControlPlaneProcess("--generate", "50");
        DiscoveryClient client = new DiscoveryClient(DiscoveryClient.config(plane.port(), PLAIN))) {
      plane.obey(tell(pod("web-1", "10.0.0.1"), pod("web-2", "10.0.0.2")));
      ChildProcess.await("all", () -> Optional.of(client.names()).filter(n -> n.size() == 52));
      long before = client.claims.changes();

      plane.obey("{\"forget\": [\"blue//Pod/shop/web-1\"], \"end\": \"UNAVAILABLE\"}");
      plane.awaitRequest(2, 2);

      JsonNode again = plane.requests(2).getFirst();
      assertThat(again.path("known").asInt()).isEqualTo(52);
      assertThat(again.path("versions").path("blue//Pod/shop/web-2").asText())
          .isEqualTo(bytes("10.0.0.2"));
      assertThat(client.names()).hasSize(51).doesNotContainKey("10.0.0.1");
      assertThat(client.claims.changes() - before).isEqualTo(1);
      assertThat(client.vitals.get(Vital.ISTIO_STREAMS_FAILED_BROKEN)).isEqualTo(1);
      assertThat(client.log()).contains("UNAVAILABLE: ended by the test");

      plane.obey("{\"end\": \"OK\"}");
      assertThat(plane.awaitRequest(3, 2).path("error").isNull()).isTrue();
      assertThat(client.vitals.get(Vital.ISTIO_STREAMS_FAILED_BROKEN)).isEqualTo(1);
    }
  }

  /** gRPC servers, this one too, take no request of more than 4 MiB. */
  @Test
  void aListThatIsTooLongForARequestIsLeftOutAndEverythingIsToldAnew() throws Exception {
    String longName = "n".repeat(1000);
    String[] pods = new String[4100];
    for (int i = 0; i < pods.length; i++) {
      String address = "10.3.%d.%d".formatted(i / 256, i % 256);
      pods[i] = pod("web-" + i, address).replaceFirst("blue//Pod/shop/", longName + "/");
    }
    try (ControlPlaneProcess plane = new ControlPlaneProcess();
        DiscoveryClient client = new DiscoveryClient(DiscoveryClient.config(plane.port(), PLAIN))) {
      plane.obey(tell(pods));
      ChildProcess.await("all", () -> Optional.of(client.names()).filter(n -> n.size() == 4100));
      long before = client.claims.changes();

      plane.obey("{\"forget\": [\"%s/web-7\"], \"end\": \"UNAVAILABLE\"}".formatted(longName));
      plane.awaitRequest(2, 2);

      assertThat(plane.requests(2).getFirst().path("known").asInt()).isZero();
      assertThat(client.names()).hasSize(4099).doesNotContainKey("10.3.0.7");
      assertThat(client.claims.changes() - before).isEqualTo(1);
    }
  }

  @Test
  void whatCannotBeTakenIsRefusedByNameAndTheRestIsInForce() throws Exception {
    try (ControlPlaneProcess plane = new ControlPlaneProcess();
        DiscoveryClient client = new DiscoveryClient(DiscoveryClient.config(plane.port(), PLAIN))) {
      plane.obey(tell(pod("web-1", "10.0.0.1")));
      client.awaitNames(Map.of("10.0.0.1", "web-1"));

      plane.obey(
          tell(
              pod("web-1", Base64.getEncoder().encodeToString(new byte[5]), ""),
              pod("web-2", "10.0.0.2"),
              "\"garbage\": {\"address\": {\"raw\": \"%s\"}}".formatted(GARBAGE),
              "\"later\": {\"address\": {\"raw\": \"GgA=\"}}",
              "\"other\": {\"address\": {\"raw\": \"\", \"type\": \"type.googleapis.com/x.Y\"}}",
              "\"empty\": {\"address\": null}",
              pod("huge", bytes("10.0.0.4"), ", \"node\": \"" + "n".repeat(5000) + "\""),
              pod("web-3", "10.0.0.3")));
      client.awaitNames(Map.of("10.0.0.1", "web-1", "10.0.0.2", "web-2", "10.0.0.3", "web-3"));
      String error = plane.awaitRequest(1, 3).path("error").asText();

      assertThat(error)
          .contains("\"blue//Pod/shop/web-1\": it has an address of 5 bytes; expected 4 or 16")
          .contains("\"garbage\": ")
          .contains("\"later\": it is neither a workload nor a service")
          .contains("\"other\": its type is \"type.googleapis.com/x.Y\"")
          .contains("\"empty\": it has no content")
          .contains("\"blue//Pod/shop/huge\": its node has 5000 characters, more than 256");
      assertThat(client.vitals.get(Vital.ISTIO_REFUSED_ADDRESS)).isEqualTo(1);
      assertThat(client.vitals.get(Vital.ISTIO_REFUSED_UNDECODABLE)).isEqualTo(2);
      assertThat(client.vitals.get(Vital.ISTIO_REFUSED_KIND)).isEqualTo(2);
      assertThat(client.vitals.get(Vital.ISTIO_REFUSED_TEXT)).isEqualTo(1);

      plane.obey(tell(pod("web-1", "10.0.0.9")));
      assertThat(plane.awaitRequest(1, 4).path("error").isNull()).isTrue();
      assertThat(client.names()).containsEntry("10.0.0.9", "web-1").doesNotContainKey("10.0.0.1");
    }
  }

  @Test
  void aControlPlaneThatContradictsItselfIsCountedAndOutlived() throws Exception {
    try (ControlPlaneProcess plane = new ControlPlaneProcess();
        DiscoveryClient client = new DiscoveryClient(DiscoveryClient.config(plane.port(), PLAIN))) {
      plane.awaitRequest(1, 2);
      plane.obey(
          """
          {"tell": {%s, %s}, "repeat": "blue//Pod/shop/web-1", "remove": ["blue//Pod/shop/web-2"]}"""
              .formatted(pod("web-1", "10.0.0.1"), pod("web-2", "10.0.0.2")));
      assertThat(plane.awaitRequest(1, 3).path("error").asText())
          .contains("another of its name is in the same response", "the same response removes it");
      assertThat(client.names()).isEqualTo(Map.of("10.0.0.1", "web-1"));
      assertThat(client.vitals.get(Vital.ISTIO_REFUSED_NAME)).isEqualTo(2);

      plane.obey("{\"type\": \"type.googleapis.com/envoy.config.listener.v3.Listener\"}");
      client.await(Vital.ISTIO_REFUSED_KIND, 1);
      plane.obey(tell(pod("web-3", "10.0.0.3"), pod("web-4", "10.0.0.3")));
      client.await(Vital.ISTIO_ADDRESSES_DISPUTED, 1);
      assertThat(client.level(SelfMetric.IDENTITY_ISTIO_DISPUTED)).isEqualTo(1);
      assertThat(client.owner("10.0.0.3").isUnknown()).isTrue();

      // A length beyond the end.
      plane.obey("{\"wire\": \"EgX/\"}");
      client.await(Vital.ISTIO_STREAMS_FAILED_BROKEN, 1);
      assertThat(plane.awaitRequest(2, 1).path("known").asInt()).isEqualTo(3);
      assertThat(client.names()).isEqualTo(Map.of("10.0.0.1", "web-1"));
      plane.awaitRequest(2, 2);
      assertThat(client.isAlive()).isTrue();
    }
  }

  @Test
  void addressesOfOtherNetworksAreOtherWorkloads() throws Exception {
    try (ControlPlaneProcess plane = new ControlPlaneProcess()) {
      DiscoveryConfig config = DiscoveryClient.config(plane.port(), PLAIN);
      String west = ", \"network\": \"west\"";
      plane.obey(
          tell(
              pod("web-w", bytes("10.0.0.1"), west),
              pod("web-x", bytes("10.0.0.2"), west),
              pod("web-e", bytes("10.0.0.1"), ", \"network\": \"east\""),
              pod("proxy", bytes("192.168.0.7"), ", \"network\": \"east\", \"networkMode\": 1"),
              service(
                  "web",
                  "{\"network\": \"east\", \"address\": \"%s\"}, {\"network\": \"west\", \"address\": \"%s\"}"
                      .formatted(bytes("10.96.0.1"), bytes("10.96.0.2")))));
      try (DiscoveryClient east = new DiscoveryClient(inNetwork(config, "east"));
          DiscoveryClient unset = new DiscoveryClient(inNetwork(config, ""))) {
        east.awaitNames(Map.of("10.0.0.1", "web-e", "10.96.0.1", "<web>"));
        assertThat(east.level(SelfMetric.IDENTITY_ISTIO_FOREIGN)).isEqualTo(3);
        assertThat(east.level(SelfMetric.IDENTITY_ISTIO_SHARED)).isEqualTo(1);
        assertThat(east.owner("10.0.0.1").network()).isEqualTo("east");
        east.awaitNoNotes();
        ChildProcess.await(
            "a hint",
            () ->
                unset.readiness.lines().stream()
                    .filter(l -> l.contains("identity.istio.network is \"\""))
                    .findFirst());
        assertThat(unset.names()).isEmpty();
        assertThat(unset.level(SelfMetric.IDENTITY_ISTIO_FOREIGN)).isEqualTo(6);
      }
    }
  }

  private static DiscoveryConfig inNetwork(DiscoveryConfig config, String network) {
    return new DiscoveryConfig(
        config.address(),
        config.security(),
        config.node(),
        network,
        config.maxResources(),
        config.maxResponseBytes(),
        config.patience());
  }

  @Test
  void moreThanTheLimitIsCountedAndNotHeldAgainstTheControlPlane() throws Exception {
    try (ControlPlaneProcess plane = new ControlPlaneProcess("--generate", "1000")) {
      DiscoveryConfig config = DiscoveryClient.config(plane.port(), PLAIN);
      DiscoveryConfig few =
          new DiscoveryConfig(
              config.address(), PLAIN, config.node(), "", 900, 1 << 20, config.patience());
      try (DiscoveryClient client = new DiscoveryClient(few)) {
        assertThat(plane.awaitRequest(1, 2).path("error").isNull()).isTrue();
        assertThat(client.names()).hasSize(900);
        assertThat(client.vitals.get(Vital.ISTIO_REFUSED_LIMIT)).isEqualTo(100);
        assertThat(client.log()).contains("identity.istio.max_resources");
      }
      DiscoveryConfig small =
          new DiscoveryConfig(
              config.address(), PLAIN, config.node(), "", 9000, 1 << 12, config.patience());
      try (DiscoveryClient client = new DiscoveryClient(small)) {
        client.await(Vital.ISTIO_STREAMS_FAILED_BROKEN, 1);
        assertThat(client.readiness.lines().getFirst())
            .contains("RESOURCE_EXHAUSTED: ", "4096", "it gives nobody a name");
        assertThat(client.names()).isEmpty();
      }
    }
  }

  @Test
  void aSilentControlPlaneIsLeftAndTriedAgainAndTheEndDoesNotWaitForIt() throws Exception {
    try (ControlPlaneProcess silent = new ControlPlaneProcess("--hang");
        ServerSocket deaf = new ServerSocket(0, 8, InetAddresses.forString("127.0.0.1"))) {
      try (DiscoveryClient client = new DiscoveryClient(impatient(silent.port(), 700));
          DiscoveryClient other = new DiscoveryClient(impatient(deaf.getLocalPort(), 700))) {
        client.await(Vital.ISTIO_STREAMS_FAILED_SILENT, 2);
        other.await(Vital.ISTIO_STREAMS_FAILED_SILENT, 2);
        assertThat(client.readiness.lines().getFirst())
            .startsWith("note: identity-istio: 127.0.0.1:")
            .contains("no answer in 700 ms");
        silent.awaitGone(1);
        silent.awaitStream(2);
      }
      try (DiscoveryClient client = new DiscoveryClient(impatient(silent.port(), 60_000));
          DiscoveryClient other = new DiscoveryClient(impatient(deaf.getLocalPort(), 60_000))) {
        silent.awaitStream(3);
        assertThat(client.end()).isLessThan(Duration.ofSeconds(3));
        assertThat(other.end()).isLessThan(Duration.ofSeconds(3));
      }
    }
  }

  private static DiscoveryConfig impatient(int port, long patienceMs) {
    return new DiscoveryConfig(
        HostAndPort.fromParts("127.0.0.1", port),
        PLAIN,
        DiscoveryClient.NODE,
        "",
        100,
        1 << 20,
        Duration.ofMillis(patienceMs));
  }

  @Test
  void aControlPlaneThatComesLateIsFound() throws Exception {
    int port = freePort();
    try (DiscoveryClient client = new DiscoveryClient(DiscoveryClient.config(port, PLAIN))) {
      client.await(Vital.ISTIO_STREAMS_FAILED_BROKEN, 1);
      assertThat(client.readiness.lines().getFirst()).contains("Connection refused");
      try (ControlPlaneProcess plane =
          new ControlPlaneProcess("--generate", "2", "--port", Integer.toString(port))) {
        assertThat(plane.port()).isEqualTo(port);
        client.awaitNames(Map.of("10.1.0.0", "pod-0", "10.1.0.1", "pod-1"));
        client.awaitNoNotes();
      }
      ChildProcess.await(
          "a note",
          () ->
              client.readiness.lines().stream()
                  .filter(line -> line.contains("its names are as of before"))
                  .findFirst());
      assertThat(client.names()).hasSize(2);
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket reserved = new ServerSocket(0, 1, InetAddresses.forString("127.0.0.1"))) {
      return reserved.getLocalPort();
    }
  }
}
