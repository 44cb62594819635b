// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.common.net.InetAddresses;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A real Prometheus that scrapes a sidecar every second. */
final class PrometheusServer implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final ChildProcess process;
  private final HttpClient client = HttpClient.newHttpClient();
  private final String base;

  /** One element of an answer. */
  record Sample(Map<String, String> labels, double value) {
    Sample {
      labels = Map.copyOf(labels);
    }
  }

  /**
   * @param target HOST:PORT of the sidecar's telemetry
   */
  PrometheusServer(Path directory, String target) throws IOException, InterruptedException {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddresses.forString("127.0.0.1"))) {
      port = socket.getLocalPort();
    }
    Path config =
        Files.writeString(
            directory.resolve("prometheus.yml"),
            """
            global:
              scrape_interval: 1s
            scrape_configs:
              - job_name: meshlens
                static_configs:
                  - targets: ["%s"]
            """
                .formatted(target));
    process =
        ChildProcess.of(
            "prometheus",
            "--config.file=" + config,
            "--storage.tsdb.path=" + directory.resolve("prometheus"),
            "--web.listen-address=127.0.0.1:" + port);
    base = "http://127.0.0.1:" + port;
    try {
      ChildProcess.await("Prometheus: " + process.err(), () -> get("/-/ready"));
    } catch (AssertionError e) {
      System.err.println(String.join("\n", process.err()));
      close();
      throw e;
    }
  }

  /** What an expression is now. */
  List<Sample> query(String expression) {
    String url = "/api/v1/query?query=" + URLEncoder.encode(expression, StandardCharsets.UTF_8);
    JsonNode answer = get(url).map(PrometheusServer::parse).orElseThrow();
    List<Sample> samples = new ArrayList<>();
    for (JsonNode element : answer.at("/data/result")) {
      Map<String, String> labels = new TreeMap<>();
      element
          .path("metric")
          .properties()
          .forEach(l -> labels.put(l.getKey(), l.getValue().asText()));
      samples.add(new Sample(labels, element.at("/value/1").asDouble()));
    }
    return samples;
  }

  /** Waits until an expression has exactly one value, that one. */
  void await(String expression, long value) throws InterruptedException {
    List<Sample> last = new ArrayList<>();
    try {
      ChildProcess.await(
          expression,
          () -> {
            last.clear();
            last.addAll(query(expression));
            return Optional.of(true)
                .filter(x -> last.size() == 1 && last.getFirst().value() == value);
          });
    } catch (AssertionError e) {
      throw new AssertionError(
          "expected %s to be %d, is %s; %s".formatted(expression, value, last, targets()), e);
    }
  }

  /** What Prometheus thinks of the sidecar's pages. */
  String targets() {
    return get("/api/v1/targets").orElse("no answer");
  }

  private Optional<String> get(String path) {
    try {
      HttpResponse<String> response =
          client.send(
              HttpRequest.newBuilder(URI.create(base + path)).build(),
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
      throw new AssertionError("no JSON from Prometheus: " + text, e);
    }
  }

  @Override
  public void close() {
    client.close();
    process.close();
  }
}
