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
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Metrics as others read them: promtool, VictoriaMetrics by OTLP/HTTP, a gRPC receiver by OTLP. */
@RequiresKernel
class MetricsIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int CONNECTIONS = 29;
  private static final int BYTES = 1013;

  @TempDir Path directory;

  private static ServerSocket listen() throws IOException {
    return new ServerSocket(0, 128, InetAddresses.forString("127.0.0.1"));
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = listen()) {
      return socket.getLocalPort();
    }
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

  @Test
  void promtoolHasNothingToSayAboutTheMetricsPage() throws Exception {
    try (SidecarProcess sidecar = SidecarProcess.run();
        ServerSocket server = listen()) {
      exchange(server);
      sidecar.awaitRecords(server.getLocalPort(), 2 * CONNECTIONS);
      Path page = Files.writeString(directory.resolve("page"), sidecar.get("/metrics").body());
      try (ChildProcess promtool =
          new ChildProcess(
              new ProcessBuilder("promtool", "check", "metrics").redirectInput(page.toFile()))) {
        int exitCode = promtool.exitCode();
        assertThat(promtool.err()).isEmpty();
        assertThat(promtool.out()).isEmpty();
        assertThat(exitCode).isZero();
      }
    }
  }

  @Test
  void aRefusedPortIsAFailedConnectionWithItsErrorType() throws Exception {
    int port = freePort();
    try (SidecarProcess sidecar = SidecarProcess.run()) {
      for (int i = 0; i < 7; i++) {
        try (Socket client = new Socket(InetAddresses.forString("127.0.0.1"), port)) {
          throw new AssertionError("somebody listens: " + client);
        } catch (java.net.ConnectException expected) {
          assertThat(expected).hasMessageContaining("refused");
        }
      }
      sidecar.awaitRecords(port, 7);
      Map<String, String> labels =
          Map.of(
              "destination_port",
              Integer.toString(port),
              "error_type",
              "ECONNREFUSED",
              "reporter",
              "source");
      assertThat(sidecar.metric("mesh_tcp_connections_failed_total", labels)).isEqualTo(7);
    }
  }

  @Test
  void victoriaMetricsReceivesTheSumsByOtlpOverHttp() throws Exception {
    int port = freePort();
    try (ChildProcess victoria =
            ChildProcess.of(
                victoriaMetrics(),
                "-storageDataPath=" + directory.resolve("data"),
                "-httpListenAddr=127.0.0.1:" + port,
                "-search.latencyOffset=0s",
                "-opentelemetry.usePrometheusNaming");
        HttpClient client = HttpClient.newHttpClient()) {
      String base = "http://127.0.0.1:" + port;
      ChildProcess.await("VictoriaMetrics", () -> get(client, base + "/health"));
      try (SidecarProcess sidecar =
              SidecarProcess.run(
                  "metrics.otlp.endpoint=" + base + "/opentelemetry/v1/metrics",
                  "metrics.otlp.protocol=http/protobuf",
                  "metrics.otlp.interval=1s");
          ServerSocket server = listen()) {
        exchange(server);
        sidecar.awaitRecords(server.getLocalPort(), 2 * CONNECTIONS);
        String query =
            "mesh_tcp_io_bytes_total{network_io_direction=\"transmit\",reporter=\"source\","
                + "destination_port=\"%d\"}".formatted(server.getLocalPort());
        String url =
            base + "/api/v1/query?query=" + URLEncoder.encode(query, StandardCharsets.UTF_8);
        JsonNode result =
            ChildProcess.await(
                "the series in VictoriaMetrics",
                () ->
                    get(client, base + "/internal/force_flush")
                        .flatMap(flushed -> get(client, url))
                        .map(MetricsIT::parse)
                        .map(answer -> answer.at("/data/result"))
                        .filter(series -> series.size() == 1)
                        .filter(
                            series ->
                                series.at("/0/value/1").asLong() == (long) CONNECTIONS * BYTES));
        assertThat(result.at("/0/metric/source_address").asText()).isEqualTo("127.0.0.1");
      }
    }
  }

  /** Debian's package, unpacked once; the distribution's suite that has it may not be this one. */
  private static String victoriaMetrics() throws Exception {
    Path cache =
        Path.of(
            Optional.ofNullable(System.getenv("XDG_CACHE_HOME"))
                .orElse(System.getProperty("user.home") + "/.cache"),
            "meshlens",
            "victoria-metrics");
    Path program = cache.resolve("usr/bin/victoria-metrics");
    if (!Files.isExecutable(program)) {
      try (ChildProcess fetch =
          ChildProcess.of(
              "../scripts/debian-package.sh", "trixie", cache.toString(), "victoria-metrics")) {
        assertThat(fetch.exitCode()).as("%s", fetch.err()).isZero();
      }
    }
    return program.toString();
  }

  private static Optional<String> get(HttpClient client, String url) {
    try {
      HttpResponse<String> response =
          client.send(
              HttpRequest.newBuilder(URI.create(url)).build(),
              HttpResponse.BodyHandlers.ofString());
      return response.statusCode() < 300 ? Optional.of(response.body()) : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  private static JsonNode parse(String text) {
    try {
      return JSON.readTree(text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void anIndependentReceiverGetsTheSumsByOtlpOverGrpcEvenAtTheEnd() throws Exception {
    try (ChildProcess receiver =
            ChildProcess.python("otlp_server.py", ChildProcess.protoDirectory(), "0");
        ServerSocket server = listen()) {
      int receiverPort =
          ChildProcess.await(
                  "the receiver: " + receiver.err(),
                  () -> points(receiver).filter(p -> p.has("port")).findFirst())
              .path("port")
              .asInt();
      // An interval beyond the test's patience: only the last push, at the end, can arrive.
      try (SidecarProcess sidecar =
          SidecarProcess.run(
              "metrics.otlp.endpoint=http://127.0.0.1:" + receiverPort,
              "metrics.otlp.interval=10m",
              "node.id=node-7")) {
        exchange(server);
        sidecar.awaitRecords(server.getLocalPort(), 2 * CONNECTIONS);
        sidecar.process().terminate();
        assertThat(sidecar.process().exitCode()).isZero();
      }
      List<JsonNode> opened =
          points(receiver)
              .filter(p -> p.path("metric").asText().equals("mesh.tcp.connections.opened"))
              .filter(p -> p.at("/attributes/destination.port").asInt() == server.getLocalPort())
              .toList();
      assertThat(opened).hasSize(2);
      for (JsonNode point : opened) {
        assertThat(point.path("value").asLong()).isEqualTo(CONNECTIONS);
        assertThat(point.path("monotonic").asBoolean()).isTrue();
        assertThat(point.path("unit").asText()).isEqualTo("{connection}");
        assertThat(point.at("/resource/service.name").asText()).isEqualTo("meshlens");
        assertThat(point.at("/resource/service.instance.id").asText()).isEqualTo("node-7");
      }
    }
  }

  private static Stream<JsonNode> points(ChildProcess receiver) {
    return receiver.out().stream().map(MetricsIT::parse);
  }

  @Test
  void anAbsentReceiverIsCountedAndDisturbsNothing() throws Exception {
    try (SidecarProcess sidecar =
            SidecarProcess.run(
                "metrics.otlp.endpoint=http://127.0.0.1:" + freePort(),
                "metrics.otlp.interval=1s",
                "shutdown.timeout=3s");
        ServerSocket server = listen()) {
      exchange(server);
      assertThat(sidecar.awaitRecords(server.getLocalPort(), 2 * CONNECTIONS)).isNotEmpty();
      ChildProcess.await(
          "a counted failure", () -> Optional.of(true).filter(x -> failures(sidecar) > 0));
    }
  }

  private static long failures(SidecarProcess sidecar) {
    try {
      return sidecar.metric("meshlens_otlp_failures_total", Map.of());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return 0;
    }
  }
}
