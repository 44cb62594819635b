// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.enrich.xds.DiscoveryConfig;
import io.meshlens.enrich.xds.DiscoveryConfig.ClientCertificate;
import io.meshlens.enrich.xds.DiscoveryConfig.Tls;
import io.meshlens.vitals.SelfMetric;
import io.meshlens.vitals.Vital;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who the control plane is, who we are, and what is in the files: against Python's TLS. */
class IstioTlsIT {
  private static final Map<String, String> ONE_POD = Map.of("10.1.0.0", "pod-0");

  @TempDir private static Path directory;
  private static Certificates mesh;
  private static Certificates strangers;

  @BeforeAll
  static void issue() throws IOException, InterruptedException {
    mesh = new Certificates(directory, "mesh");
    mesh.issue("istiod", "DNS:istiod.istio-system.svc");
    mesh.issue("local", "IP:127.0.0.1");
    mesh.issue("meshlens", "URI:spiffe://cluster.local/ns/meshlens/sa/meshlens");
    strangers = new Certificates(directory, "strangers");
  }

  private static ControlPlaneProcess plane(String certificate, String... more) throws IOException {
    String[] options = new String[more.length + 6];
    System.arraycopy(
        new String[] {
          "--generate", "1",
          "--certificate", mesh.certificate(certificate).toString(),
          "--key", mesh.key(certificate).toString()
        },
        0,
        options,
        0,
        6);
    System.arraycopy(more, 0, options, 6, more.length);
    return new ControlPlaneProcess(options);
  }

  private static Tls trusting(Path authorities) {
    return new Tls(Optional.of(authorities), Optional.empty(), Optional.empty(), Optional.empty());
  }

  private static DiscoveryClient client(int port, DiscoveryConfig.Security security) {
    return new DiscoveryClient(DiscoveryClient.config(port, security));
  }

  @Test
  void aTokenThatChangesIsReadAgainAndGoesWithTheClusterId() throws Exception {
    Path token = Files.writeString(directory.resolve("token"), "old.token\n");
    try (ControlPlaneProcess plane = plane("istiod", "--token", "new.token");
        DiscoveryClient client =
            client(
                plane.port(),
                new Tls(
                    Optional.of(mesh.authorities()),
                    Optional.of("istiod.istio-system.svc"),
                    Optional.empty(),
                    Optional.of(token)))) {
      client.await(Vital.ISTIO_STREAMS_FAILED_REFUSED, 1);
      assertThat(client.readiness.lines().getFirst())
          .contains("it refuses us: UNAUTHENTICATED: the token is not the one that is wanted");
      assertThat(client.log()).doesNotContain("old.token");
      Files.writeString(token, "new.token\n");
      client.awaitNames(ONE_POD);
      assertThat(plane.awaitStream(1).at("/metadata/authorization").asText())
          .isEqualTo("Bearer old.token");
      assertThat(plane.awaitStream(1).at("/metadata/clusterid").asText()).isEqualTo("blue");

      // As when a server forgets us: the next stream brings what the file holds then.
      Files.writeString(token, "newest.token");
      plane.obey("{\"token\": \"newest.token\", \"end\": \"UNAVAILABLE\"}");
      ChildProcess.await(
          "the newest token",
          () ->
              Optional.of(client)
                  .filter(
                      c ->
                          c.vitals.get(Vital.ISTIO_RESPONSES) == 2
                              && c.level(SelfMetric.IDENTITY_ISTIO_CONNECTED) == 1));
    }
  }

  @Test
  void eachSideMayWantACertificateOfTheOther() throws Exception {
    try (ControlPlaneProcess plane =
        plane("local", "--client-authorities", mesh.authorities().toString())) {
      try (DiscoveryClient client =
          client(
              plane.port(),
              new Tls(
                  Optional.of(mesh.authorities()),
                  Optional.empty(),
                  Optional.of(
                      new ClientCertificate(mesh.certificate("meshlens"), mesh.key("meshlens"))),
                  Optional.empty()))) {
        client.awaitNames(ONE_POD);
        assertThat(plane.awaitStream(1).at("/peer/x509_common_name/0").asText())
            .isEqualTo("meshlens");
      }
      try (DiscoveryClient client = client(plane.port(), trusting(mesh.authorities()))) {
        client.await(Vital.ISTIO_STREAMS_FAILED_BROKEN, 1);
        assertThat(client.names()).isEmpty();
      }
    }
  }

  @Test
  void aStrangersCertificateOrNameIsNotTrusted() throws Exception {
    try (ControlPlaneProcess plane = plane("istiod");
        DiscoveryClient stranger = client(plane.port(), trusting(strangers.authorities()));
        DiscoveryClient otherName = client(plane.port(), trusting(mesh.authorities()))) {
      stranger.await(Vital.ISTIO_STREAMS_FAILED_BROKEN, 2);
      otherName.await(Vital.ISTIO_STREAMS_FAILED_BROKEN, 2);
      assertThat(stranger.readiness.lines().getFirst())
          .containsIgnoringCase("certif")
          .contains("trusting " + strangers.authorities());
      assertThat(otherName.readiness.lines().getFirst())
          .contains("No subject alternative names", "127.0.0.1");
      assertThat(stranger.names()).isEmpty();
      assertThat(otherName.names()).isEmpty();
    }
  }

  @Test
  void plaintextAndTlsDoNotMix() throws Exception {
    try (ControlPlaneProcess tls = plane("local");
        ControlPlaneProcess plain = new ControlPlaneProcess("--generate", "1");
        DiscoveryClient plainToTls = client(tls.port(), new DiscoveryConfig.Plaintext());
        DiscoveryClient tlsToPlain = client(plain.port(), trusting(mesh.authorities()))) {
      plainToTls.await(Vital.ISTIO_STREAMS_FAILED_BROKEN, 1);
      tlsToPlain.await(Vital.ISTIO_STREAMS_FAILED_BROKEN, 1);
      assertThat(plainToTls.readiness.lines().getFirst()).contains("(plaintext): ");
      assertThat(tlsToPlain.readiness.lines().getFirst()).contains("(TLS, trusting ");
      assertThat(plainToTls.names()).isEmpty();
      assertThat(tlsToPlain.names()).isEmpty();
    }
  }

  @Test
  void filesThatAreMissingOrWrongAreNamedAndTakenOnceTheyAreRight() throws Exception {
    Path late = directory.resolve("late-root.pem");
    Path token = Files.writeString(directory.resolve("empty-token"), "");
    Tls security =
        new Tls(Optional.of(late), Optional.empty(), Optional.empty(), Optional.of(token));
    try (ControlPlaneProcess plane = plane("local");
        DiscoveryClient client = client(plane.port(), security)) {
      client.await(Vital.ISTIO_STREAMS_FAILED_CREDENTIALS, 1);
      assertThat(client.readiness.lines().getFirst())
          .contains("the authorities file " + late + " does not exist")
          .contains("the token file " + token + " is empty");
      Files.writeString(token, "two words");
      Files.writeString(late, "no certificate");
      ChildProcess.await(
          "the next problem",
          () ->
              client.readiness.lines().stream()
                  .filter(l -> l.contains("holds no token"))
                  .findFirst());
      Files.writeString(token, "token");
      ChildProcess.await(
          "the last problem: " + client.readiness.lines(),
          () ->
              client.readiness.lines().stream()
                  .filter(l -> l.contains("certificates cannot be used"))
                  .findFirst());
      Files.copy(mesh.authorities(), late, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
      client.awaitNames(ONE_POD);
    }
  }
}
