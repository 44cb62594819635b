// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real web server under load; the second source is the server's own count. */
@RequiresKernel
class NginxIT {
  private static final Pattern HANDLED = Pattern.compile("requests\\s+(\\d+) (\\d+) (\\d+)");

  @TempDir Path directory;

  @Test
  void everyConnectionThatNginxHandledUnderWrkHasOneRecordOnEachSide() throws Exception {
    int port = freePort();
    int statusPort = freePort();
    Path requestLog = directory.resolve("requests.log");
    Path configuration = directory.resolve("nginx.conf");
    Files.writeString(configuration, nginxConfiguration(port, statusPort, requestLog));
    try (SidecarProcess sidecar = SidecarProcess.run();
        ChildProcess nginx =
            ChildProcess.of(
                "nginx", "-e", directory + "/error.log", "-c", configuration.toString())) {
      ChildProcess.await("nginx to listen", () -> handled(statusPort));
      try (ChildProcess wrk =
          ChildProcess.of(
              "wrk",
              "-t1",
              "-c7",
              "-d2s",
              "-H",
              "Connection: close",
              "http://127.0.0.1:" + port + "/")) {
        assertThat(wrk.exitCode()).as("%s", wrk.err()).isZero();
      }
      // The status page is one connection of its own, to another port.
      long statusConnections = 2;
      long handled = handled(statusPort).orElseThrow() - statusConnections;
      assertThat(handled).as("wrk made some load").isGreaterThan(500);

      List<JsonNode> records = sidecar.awaitRecords(port, Math.toIntExact(2 * handled));
      assertThat(count(records, "inbound")).isEqualTo(handled);
      assertThat(count(records, "outbound")).isEqualTo(handled);

      // With "Connection: close" a request is a connection; one cut off by wrk's end sends none.
      List<String> requests = Files.readAllLines(requestLog);
      long withRequest =
          records.stream()
              .filter(r -> r.path("direction").asText().equals("inbound"))
              .filter(r -> r.path("bytes_received").asLong() > 0)
              .count();
      assertThat(withRequest).isEqualTo(requests.size());

      // nginx counts the bytes it wrote; what the kernel took is what the record says.
      assertThat(metric(sidecar, port, "mesh_tcp_connections_opened_total")).isEqualTo(handled);
      assertThat(metric(sidecar, port, "mesh_tcp_connections_closed_total")).isEqualTo(handled);
      assertThat(sidecar.metric("meshlens_records_lost_total", Map.of())).isZero();
      long sentByRecords =
          records.stream()
              .filter(r -> r.path("direction").asText().equals("inbound"))
              .mapToLong(r -> r.path("bytes_sent").asLong())
              .sum();
      assertThat(sentByRecords)
          .as("bytes that nginx says it sent")
          .isEqualTo(requests.stream().mapToLong(line -> Long.parseLong(line.strip())).sum());
    }
  }

  private static long count(List<JsonNode> records, String direction) {
    return records.stream().filter(r -> r.path("direction").asText().equals(direction)).count();
  }

  private static long metric(SidecarProcess sidecar, int port, String name) throws Exception {
    return sidecar.metric(
        name, Map.of("reporter", "destination", "destination_port", Integer.toString(port)));
  }

  private static int freePort() throws Exception {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private static Optional<Long> handled(int statusPort) {
    try (HttpClient client = HttpClient.newHttpClient()) {
      String status =
          client
              .send(
                  HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + statusPort + "/"))
                      .build(),
                  HttpResponse.BodyHandlers.ofString())
              .body();
      Matcher matcher = HANDLED.matcher(status);
      return matcher.find() ? Optional.of(Long.parseLong(matcher.group(2))) : Optional.empty();
    } catch (java.io.IOException e) {
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  private String nginxConfiguration(int port, int statusPort, Path requestLog) {
    return """
    daemon off;
    worker_processes 2;
    pid %1$s/nginx.pid;
    events { worker_connections 256; }
    http {
      client_body_temp_path %1$s/body;
      proxy_temp_path %1$s/proxy;
      fastcgi_temp_path %1$s/fastcgi;
      uwsgi_temp_path %1$s/uwsgi;
      scgi_temp_path %1$s/scgi;
      log_format bytes '$bytes_sent';
      server {
        listen 127.0.0.1:%2$d;
        access_log %4$s bytes;
        location / { return 200 "twenty-three bytes here\\n"; }
      }
      server {
        listen 127.0.0.1:%3$d;
        access_log off;
        location / { stub_status; }
      }
    }
    """
        .formatted(directory, port, statusPort, requestLog);
  }
}
