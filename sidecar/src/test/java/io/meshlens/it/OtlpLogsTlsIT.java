// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Log records by TLS to Python's receivers, with certificates that are right, wrong and changed.
 */
@RequiresKernel
class OtlpLogsTlsIT {
  private static final String TLS = "access_log.otlp.tls.";

  @TempDir private Path directory;
  private Certificates ours;
  private Certificates others;
  private Churn churn;

  @BeforeEach
  void makeCertificates() throws Exception {
    ours = new Certificates(Files.createDirectory(directory.resolve("ours")), "ours");
    ours.issue("server", "DNS:localhost,IP:127.0.0.1");
    ours.issue("client-1", "DNS:client");
    ours.issue("client-2", "DNS:client");
    others = new Certificates(Files.createDirectory(directory.resolve("others")), "others");
    others.issue("client", "DNS:client");
    churn = new Churn();
  }

  @AfterEach
  void end() throws IOException {
    churn.close();
  }

  private CollectingServer secured(String transport) throws Exception {
    return new CollectingServer("otlp_log_server.py", transport, certificate(), key());
  }

  private CollectingServer mutual(String transport) throws Exception {
    return new CollectingServer(
        "otlp_log_server.py", transport, certificate(), key(), ours.authorities().toString());
  }

  private String certificate() {
    return ours.certificate("server").toString();
  }

  private String key() {
    return ours.key("server").toString();
  }

  /** With a spool, so that at least once is promised. */
  private SidecarProcess start(String scheme, int port, String transport, String... settings)
      throws Exception {
    List<String> all =
        new ArrayList<>(
            List.of(
                "kernel.pin_path=off",
                "filter.include=port=" + churn.port(),
                "access_log.stdout.enabled=false",
                "access_log.spool.directory=" + directory.resolve("spool"),
                "access_log.otlp.endpoint=%s://localhost:%d".formatted(scheme, port),
                "access_log.otlp.protocol=" + (transport.equals("grpc") ? "grpc" : "http/protobuf"),
                "shutdown.timeout=3s"));
    all.addAll(List.of(settings));
    return SidecarProcess.run(all.toArray(String[]::new));
  }

  /** With a certificate of its own, for mutual TLS. */
  private SidecarProcess startWith(Path chain, Path key, int port, String transport)
      throws Exception {
    return start(
        "https",
        port,
        transport,
        TLS + "ca_file=" + ours.authorities(),
        TLS + "cert_file=" + chain,
        TLS + "key_file=" + key);
  }

  private void awaitEverything(CollectingServer server, SidecarProcess sidecar) throws Exception {
    Set<String> truth = churn.truth();
    ChildProcess.await(
        "all records; stderr: " + sidecar.process().err(),
        () -> Optional.of(true).filter(x -> OtlpLogsIT.delivered(server).size() >= truth.size()));
    assertThat(OtlpLogsIT.delivered(server)).isEqualTo(truth);
    awaitMetric(sidecar, "delivered_total", Map.of(), truth.size());
    assertThat(metric(sidecar, "lost_total", Map.of())).isZero();
  }

  private static void awaitMetric(
      SidecarProcess sidecar, String name, Map<String, String> labels, long value)
      throws InterruptedException {
    ChildProcess.await(
        name + " to be " + value + "; stderr: " + sidecar.process().err(),
        () -> Optional.of(true).filter(x -> metric(sidecar, name, labels) >= value));
  }

  private static long metric(SidecarProcess sidecar, String name, Map<String, String> labels) {
    try {
      return sidecar.metric("meshlens_access_log_otlp_" + name, labels);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static void assertSaid(SidecarProcess sidecar, String... parts) throws Exception {
    ChildProcess.await(
        String.join(" ", parts) + " among " + sidecar.process().err(),
        () ->
            sidecar.process().err().stream()
                .filter(line -> List.of(parts).stream().allMatch(line::contains))
                .findFirst());
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.copy(from, to, StandardCopyOption.REPLACE_EXISTING);
  }

  @ParameterizedTest
  @ValueSource(strings = {"grpc", "http"})
  void recordsWaitForTheRightAuthorityAndAllArriveThen(String transport) throws Exception {
    Path authority = directory.resolve("ca.pem");
    copy(others.authorities(), authority);
    try (CollectingServer server = secured(transport);
        SidecarProcess sidecar =
            start("https", server.port(), transport, TLS + "ca_file=" + authority)) {
      churn.make(20);
      awaitMetric(sidecar, "export_failures_total", Map.of("cause", "tls"), 2);
      assertSaid(sidecar, "certificate is not trusted", TLS + "ca_file");
      assertThat(server.lines("attributes")).isEmpty();

      copy(ours.authorities(), authority);
      churn.make(5);
      awaitEverything(server, sidecar);
      assertThat(metric(sidecar, "tls_reloads_total", Map.of())).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"grpc", "http"})
  void certificatesAreReplacedWhileRunningAndBadOnesAreNotTaken(String transport) throws Exception {
    Path chain = directory.resolve("tls.pem");
    Path key = directory.resolve("tls.key");
    copy(ours.certificate("client-1"), chain);
    copy(ours.key("client-1"), key);
    try (CollectingServer server = mutual(transport);
        SidecarProcess sidecar = startWith(chain, key, server.port(), transport)) {
      churn.make(5);
      awaitEverything(server, sidecar);
      assertThat(clients(server)).containsExactly("client-1");

      // One file after the other: in between, they do not belong together.
      copy(ours.certificate("client-2"), chain);
      copy(ours.key("client-2"), key);
      ChildProcess.await(
          "records by the other certificate",
          () -> {
            makeOne();
            return Optional.of(true).filter(x -> clients(server).contains("client-2"));
          });
      awaitEverything(server, sidecar);

      Files.writeString(key, "half a file");
      ChildProcess.await(
          "files that cannot be used",
          () -> {
            makeOne();
            return Optional.of(true)
                .filter(x -> metric(sidecar, "tls_reload_failures_total", Map.of()) > 0);
          });
      churn.make(3);
      awaitEverything(server, sidecar);
      assertSaid(sidecar, "access_log.otlp.tls have changed and cannot be used; those before stay");
      assertThat(clients(server)).containsExactly("client-1", "client-2");
    }
  }

  private static Set<String> clients(CollectingServer server) {
    Set<String> clients = new TreeSet<>();
    server.lines("attributes").forEach(line -> clients.add(line.path("client").asText()));
    return clients;
  }

  private void makeOne() {
    try {
      churn.make(1);
      Thread.sleep(100);
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"grpc", "http"})
  void strangerIsRefusedAndNothingIsLost(String transport) throws Exception {
    Path chain = directory.resolve("tls.pem");
    Path key = directory.resolve("tls.key");
    copy(others.certificate("client"), chain);
    copy(others.key("client"), key);
    try (CollectingServer server = mutual(transport);
        SidecarProcess sidecar = startWith(chain, key, server.port(), transport)) {
      churn.make(5);
      awaitMetric(sidecar, "export_failures_total", Map.of(), 2);
      assertThat(server.lines("attributes")).isEmpty();
      copy(ours.certificate("client-1"), chain);
      copy(ours.key("client-1"), key);
      awaitEverything(server, sidecar);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"grpc", "http"})
  void plainAgainstTlsIsSaidEitherWayAndTheNextStartDeliversEverything(String transport)
      throws Exception {
    String authority = TLS + "ca_file=" + ours.authorities();
    try (CollectingServer plain = new CollectingServer("otlp_log_server.py", transport);
        CollectingServer server = secured(transport)) {
      try (SidecarProcess sidecar = start("https", plain.port(), transport, authority)) {
        churn.make(5);
        awaitMetric(sidecar, "export_failures_total", Map.of("cause", "tls"), 1);
        assertSaid(sidecar, "does not speak TLS", "access_log.otlp.endpoint");
      }
      try (SidecarProcess sidecar = start("http", server.port(), transport)) {
        churn.make(5);
        awaitMetric(sidecar, "export_failures_total", Map.of(), 1);
        assertSaid(sidecar, "may speak TLS", "access_log.otlp.endpoint");
      }
      assertThat(plain.lines("attributes")).isEmpty();
      try (SidecarProcess sidecar = start("https", server.port(), transport, authority)) {
        churn.make(5);
        awaitEverything(server, sidecar);
      }
    }
  }
}
