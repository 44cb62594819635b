// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.common.net.InetAddresses;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Receivers of metrics that are not of our making, while they are well and while they are not. */
@RequiresKernel
class ExportersIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int CONNECTIONS = 17;
  private static final int BYTES = 1009;

  @TempDir Path directory;

  private static ServerSocket listen() throws IOException {
    return new ServerSocket(0, 128, InetAddresses.forString("127.0.0.1"));
  }

  private static void exchange(ServerSocket server) throws IOException {
    for (int i = 0; i < CONNECTIONS; i++) {
      try (Socket client = new Socket(server.getInetAddress(), server.getLocalPort());
          Socket accepted = server.accept()) {
        client.getOutputStream().write(new byte[BYTES]);
        accepted.getInputStream().readNBytes(BYTES);
      }
    }
  }

  private static JsonNode parse(String text) {
    try {
      return JSON.readTree(text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Stream<JsonNode> points(ChildProcess receiver) {
    return receiver.out().stream().map(ExportersIT::parse);
  }

  private static int port(ChildProcess receiver) throws InterruptedException {
    return ChildProcess.await(
            "the receiver: " + receiver.err(),
            () -> points(receiver).filter(p -> p.has("port")).findFirst())
        .path("port")
        .asInt();
  }

  /** What the receiver has been told of the bytes that clients of a server port sent. */
  private static long sentBytes(ChildProcess receiver, int serverPort, String temporality) {
    List<Long> values =
        points(receiver)
            .filter(p -> p.path("metric").asText().equals("mesh.tcp.io"))
            .filter(p -> p.at("/attributes/destination.port").asInt() == serverPort)
            .filter(p -> p.at("/attributes/network.io.direction").asText().equals("transmit"))
            .filter(p -> p.at("/attributes/reporter").asText().equals("source"))
            .map(p -> p.path("value").asLong())
            .toList();
    if (temporality.equals("delta")) {
      return values.stream().mapToLong(value -> value).sum();
    }
    return values.isEmpty() ? 0 : values.getLast();
  }

  @ParameterizedTest
  @ValueSource(strings = {"cumulative", "delta"})
  void noSumIsLostWhileTheReceiverHangs(String temporality) throws Exception {
    Path hang = directory.resolve("hang");
    try (ChildProcess receiver =
            ChildProcess.python(
                "otlp_server.py", ChildProcess.protoDirectory(), "0", hang.toString());
        ServerSocket server = listen()) {
      int receiverPort = port(receiver);
      try (SidecarProcess sidecar =
          SidecarProcess.run(
              "metrics.otlp.endpoint=http://127.0.0.1:" + receiverPort,
              "metrics.otlp.temporality=" + temporality,
              "metrics.otlp.compression=gzip",
              "metrics.otlp.interval=1s",
              "kernel.pin_path=off")) {
        int bursts = 1;
        exchange(server);
        ChildProcess.await(
            "the first burst",
            () ->
                Optional.of(0)
                    .filter(x -> sentBytes(receiver, server.getLocalPort(), temporality) > 0));
        Files.createFile(hang);
        // At least three pushes in vain, with traffic between them.
        for (int failed = 1; failed <= 3; failed++) {
          exchange(server);
          bursts++;
          int atLeast = failed;
          ChildProcess.await(
              "failure " + failed, () -> Optional.of(0).filter(x -> timeouts(sidecar) >= atLeast));
        }
        Files.delete(hang);
        long expected = (long) bursts * CONNECTIONS * BYTES;
        ChildProcess.await(
            expected + " bytes at the receiver",
            () ->
                Optional.of(0)
                    .filter(
                        x -> sentBytes(receiver, server.getLocalPort(), temporality) >= expected));
        assertThat(sentBytes(receiver, server.getLocalPort(), temporality)).isEqualTo(expected);
        assertThat(sidecar.metric("meshlens_otlp_lost_total", Map.of())).isZero();
      }
    }
  }

  private static long timeouts(SidecarProcess sidecar) {
    try {
      return sidecar.metric("meshlens_otlp_failures_total", Map.of("cause", "timeout"));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return 0;
    }
  }

  private void openssl(String... arguments) throws IOException, InterruptedException {
    try (ChildProcess openssl =
        new ChildProcess(
            new ProcessBuilder(Stream.concat(Stream.of("openssl"), Stream.of(arguments)).toList())
                .directory(directory.toFile()))) {
      assertThat(openssl.exitCode()).as("%s", openssl.err()).isZero();
    }
  }

  @Test
  void mutualTlsReachesAReceiverWithAnotherTls() throws Exception {
    String subject = "subjectAltName=DNS:localhost,IP:127.0.0.1";
    openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        subject,
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem");
    String cert = directory.resolve("cert.pem").toString();
    String key = directory.resolve("key.pem").toString();
    try (ChildProcess receiver =
            ChildProcess.python(
                "otlp_server.py", ChildProcess.protoDirectory(), "0", "/none", cert, cert, key);
        ServerSocket server = listen()) {
      int receiverPort = port(receiver);
      try (SidecarProcess sidecar =
          SidecarProcess.run(
              "metrics.otlp.endpoint=https://localhost:" + receiverPort,
              "metrics.otlp.tls.ca_file=" + cert,
              "metrics.otlp.tls.cert_file=" + cert,
              "metrics.otlp.tls.key_file=" + key,
              "metrics.otlp.interval=1s",
              "node.cluster=blue",
              "resource.attributes=team=mesh%3B1",
              "kernel.pin_path=off")) {
        exchange(server);
        sidecar.awaitRecords(server.getLocalPort(), 2 * CONNECTIONS);
        JsonNode point =
            ChildProcess.await(
                "the sums",
                () ->
                    points(receiver)
                        .filter(
                            p -> p.path("metric").asText().equals("mesh.tcp.connections.closed"))
                        .filter(
                            p ->
                                p.at("/attributes/destination.port").asInt()
                                    == server.getLocalPort())
                        .filter(p -> p.path("value").asLong() == CONNECTIONS)
                        .findFirst());
        Map<String, String> resource =
            JSON.convertValue(
                point.path("resource"),
                JSON.getTypeFactory().constructMapType(TreeMap.class, String.class, String.class));
        assertThat(resource)
            .containsEntry("service.name", "meshlens")
            .containsEntry("k8s.cluster.name", "blue")
            .containsEntry("team", "mesh;1")
            .containsEntry("os.type", "linux")
            .containsEntry("telemetry.sdk.language", "java")
            .containsKeys(
                "service.version",
                "service.instance.id",
                "host.name",
                "host.arch",
                "os.description",
                "process.runtime.name",
                "process.runtime.version")
            .doesNotContainKeys("process.pid", "k8s.pod.name");
      }
    }
  }

  @Test
  void prometheusHasEveryValueOfThePageAndNativeHistograms() throws Exception {
    int port;
    try (ServerSocket free = listen()) {
      port = free.getLocalPort();
    }
    try (SidecarProcess sidecar = SidecarProcess.run("kernel.pin_path=off");
        ServerSocket server = listen()) {
      exchange(server);
      sidecar.awaitRecords(server.getLocalPort(), 2 * CONNECTIONS);
      Path config =
          Files.writeString(
              directory.resolve("prometheus.yml"),
              """
              scrape_configs:
                - job_name: meshlens
                  scrape_interval: 1s
                  static_configs:
                    - targets: ["%s"]
              """
                  .formatted(sidecar.telemetryAddress()));
      try (ChildProcess prometheus =
              ChildProcess.of(
                  "prometheus",
                  "--config.file=" + config,
                  "--storage.tsdb.path=" + directory.resolve("data"),
                  "--web.listen-address=127.0.0.1:" + port,
                  "--enable-feature=native-histograms");
          HttpClient client = HttpClient.newHttpClient()) {
        String query =
            "{__name__=~\"mesh_tcp_.+(_total|_active)\",destination_port=\"%d\"}"
                .formatted(server.getLocalPort());
        Map<String, Long> expected = new TreeMap<>();
        MetricsPage.of(sidecar)
            .samples()
            .forEach(
                (series, value) -> {
                  if (series.contains("destination_port=\"" + server.getLocalPort() + "\"")
                      && name(series).matches(".+(_total|_active)")) {
                    expected.put(name(series), expected.getOrDefault(name(series), 0L) + value);
                  }
                });
        JsonNode found =
            ChildProcess.await(
                "the series in Prometheus: " + prometheus.err(),
                () -> query(client, port, query).filter(result -> !result.isEmpty()));
        Map<String, Long> actual = new TreeMap<>();
        found.forEach(
            sample ->
                actual.merge(
                    sample.at("/metric/__name__").asText(),
                    sample.at("/value/1").asLong(),
                    Long::sum));
        assertThat(actual).isEqualTo(expected);
        assertThat(actual)
            .containsEntry("mesh_tcp_io_bytes_total", 2L * CONNECTIONS * BYTES)
            .containsEntry("mesh_tcp_connections_closed_total", 2L * CONNECTIONS);
        // Of a classic histogram this function makes nothing.
        ChildProcess.await(
            "a native histogram",
            () ->
                query(client, port, "histogram_count(meshlens_scrape_duration_seconds)")
                    .filter(result -> result.at("/0/value/1").asLong() >= 2));
      }
    }
  }

  private static String name(String series) {
    return series.contains("{") ? series.substring(0, series.indexOf('{')) : series;
  }

  private static Optional<JsonNode> query(HttpClient client, int port, String query) {
    String url =
        "http://127.0.0.1:%d/api/v1/query?query=%s"
            .formatted(port, URLEncoder.encode(query, StandardCharsets.UTF_8));
    try {
      HttpResponse<String> response =
          client.send(
              HttpRequest.newBuilder(URI.create(url)).build(),
              HttpResponse.BodyHandlers.ofString());
      return response.statusCode() == 200
          ? Optional.of(parse(response.body()).at("/data/result"))
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }
}
