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
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The stream as an independent server reads it: Python's gRPC on Envoy's own .proto files. */
@RequiresKernel
class AccessLogServiceIT {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static ChildProcess server(int port, String mode) throws IOException {
    return ChildProcess.python(
        "als_server.py", ChildProcess.protoDirectory(), Integer.toString(port), mode);
  }

  private static int portOf(ChildProcess server) throws InterruptedException {
    return ChildProcess.await(
            "the access log server to listen: " + server.err(),
            () -> messages(server).stream().filter(m -> m.has("port")).findFirst())
        .path("port")
        .asInt();
  }

  private static List<JsonNode> messages(ChildProcess server) {
    return server.out().stream().map(AccessLogServiceIT::parse).toList();
  }

  private static JsonNode parse(String line) {
    try {
      return JSON.readTree(line);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<JsonNode> entries(ChildProcess server, int serverPort) {
    return messages(server).stream()
        .filter(m -> m.has("entry"))
        .map(m -> m.path("entry"))
        .filter(
            e ->
                e.at("/commonProperties/upstreamRemoteAddress/socketAddress/portValue").asInt()
                    == serverPort)
        .toList();
  }

  /** Connections of {@code bytes} from client to server and 17 back; both sides make a record. */
  private static void exchange(ServerSocket server, int connections, int bytes) throws IOException {
    for (int i = 0; i < connections; i++) {
      try (Socket client = new Socket(server.getInetAddress(), server.getLocalPort());
          Socket accepted = server.accept()) {
        client.getOutputStream().write(new byte[bytes]);
        accepted.getInputStream().readNBytes(bytes);
        accepted.getOutputStream().write(new byte[17]);
        client.getInputStream().readNBytes(17);
      }
    }
  }

  private static ServerSocket listen() throws IOException {
    return new ServerSocket(0, 128, InetAddresses.forString("127.0.0.1"));
  }

  private static Set<String> ids(List<JsonNode> entries) {
    Set<String> ids = new HashSet<>();
    entries.forEach(entry -> ids.add(entry.at("/commonProperties/streamId").asText()));
    return ids;
  }

  @Test
  void everyRecordArrivesOnceWithDownstreamAsTheClientWhicheverSideReports() throws Exception {
    try (ChildProcess server = server(0, "serve");
        SidecarProcess sidecar =
            SidecarProcess.run(
                "access_log.als.address=127.0.0.1:" + portOf(server),
                "node.id=node-7",
                "node.cluster=test-cluster");
        ServerSocket application = listen()) {
      int connections = 23;
      int port = application.getLocalPort();
      exchange(application, connections, 1009);
      List<JsonNode> entries =
          ChildProcess.await(
              "the entries",
              () -> Optional.of(entries(server, port)).filter(e -> e.size() >= 2 * connections));
      assertThat(entries).hasSize(2 * connections);
      List<JsonNode> records = sidecar.awaitRecords(port, 2 * connections);
      Set<String> recordIds = new HashSet<>();
      records.forEach(record -> recordIds.add(record.path("id").asText()));
      assertThat(ids(entries)).isEqualTo(recordIds);
      for (JsonNode entry : entries) {
        // proto3 JSON writes 64-bit numbers as text.
        assertThat(entry.at("/connectionProperties/receivedBytes").asText()).isEqualTo("1009");
        assertThat(entry.at("/connectionProperties/sentBytes").asText()).isEqualTo("17");
        assertThat(entry.at("/commonProperties/accessLogType").asText())
            .isEqualTo("TcpConnectionEnd");
        assertThat(
                entry
                    .at("/commonProperties/downstreamRemoteAddress/socketAddress/address")
                    .asText())
            .isEqualTo("127.0.0.1");
        assertThat(
                entry
                    .at("/commonProperties/downstreamLocalAddress/socketAddress/portValue")
                    .asInt())
            .isEqualTo(port);
      }
      JsonNode identifier =
          messages(server).stream()
              .filter(m -> m.has("identifier"))
              .findFirst()
              .orElseThrow()
              .path("identifier");
      assertThat(identifier.path("logName").asText()).isEqualTo("meshlens");
      assertThat(identifier.at("/node/id").asText()).isEqualTo("node-7");
      assertThat(identifier.at("/node/cluster").asText()).isEqualTo("test-cluster");
    }
  }

  @Test
  void whatABrokenStreamCarriedIsSentAgain() throws Exception {
    try (ChildProcess server = server(0, "die");
        SidecarProcess sidecar =
            SidecarProcess.run("access_log.als.address=127.0.0.1:" + portOf(server));
        ServerSocket application = listen()) {
      int port = application.getLocalPort();
      exchange(application, 13, 11);
      ChildProcess.await(
          "all entries on a later stream",
          () -> Optional.of(ids(entries(server, port))).filter(ids -> ids.size() == 26));
      ChildProcess.await(
          "their confirmation", () -> Optional.of(true).filter(x -> delivered(sidecar) >= 26));
      assertThat(sidecar.metric("meshlens_access_log_als_resent_total", Map.of())).isPositive();
      assertThat(sidecar.metric("meshlens_access_log_als_stream_failures_total", Map.of()))
          .isPositive();
      assertThat(sidecar.metric("meshlens_access_log_als_lost_total", Map.of())).isZero();
    }
  }

  private static long delivered(SidecarProcess sidecar) {
    try {
      return sidecar.metric("meshlens_access_log_als_delivered_total", Map.of());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return 0;
    }
  }

  @Test
  void aServerThatComesLateStillGetsWhatWasQueued() throws Exception {
    int serverPort;
    try (ServerSocket reserved = listen()) {
      serverPort = reserved.getLocalPort();
    }
    try (SidecarProcess sidecar =
            SidecarProcess.run("access_log.als.address=127.0.0.1:" + serverPort);
        ServerSocket application = listen()) {
      int port = application.getLocalPort();
      exchange(application, 5, 11);
      assertThat(sidecar.awaitRecords(port, 10)).hasSize(10);
      try (ChildProcess server = server(serverPort, "serve")) {
        ChildProcess.await(
            "the queued entries",
            () -> Optional.of(ids(entries(server, port))).filter(ids -> ids.size() == 10));
      }
    }
  }

  @Test
  void aHangingServerCostsOnlyCountedEntriesAndStdoutGoesOn() throws Exception {
    try (ChildProcess server = server(0, "hang");
        SidecarProcess sidecar =
            SidecarProcess.run(
                "access_log.als.address=127.0.0.1:" + portOf(server),
                "access_log.als.queue_size=7",
                "shutdown.timeout=2s");
        ServerSocket application = listen()) {
      int connections = 1009;
      int port = application.getLocalPort();
      exchange(application, connections, 11);
      assertThat(sidecar.awaitRecords(port, 2 * connections)).hasSize(2 * connections);
      assertThat(sidecar.metric("meshlens_access_log_als_delivered_total", Map.of())).isZero();
      assertThat(sidecar.get("/readyz").statusCode()).isEqualTo(200);
      sidecar.process().terminate();
      assertThat(sidecar.process().exitCode()).isZero();
    }
  }

  @Test
  void aRefusingServerIsRetriedAndCounted() throws Exception {
    try (ChildProcess server = server(0, "refuse");
        SidecarProcess sidecar =
            SidecarProcess.run(
                "access_log.als.address=127.0.0.1:" + portOf(server), "shutdown.timeout=2s");
        ServerSocket application = listen()) {
      exchange(application, 3, 11);
      ChildProcess.await(
          "several attempts",
          () ->
              Optional.of(true)
                  .filter(
                      x -> messages(server).stream().filter(m -> m.has("stream")).count() >= 3));
      assertThat(sidecar.metric("meshlens_access_log_als_stream_failures_total", Map.of()))
          .isGreaterThanOrEqualTo(2);
    }
  }
}
