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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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

  @Test
  void severalStreamsCarryWhatOneHasNoRoomForAndEachRecordOnce() throws Exception {
    try (ChildProcess server = server(0, "hold");
        SidecarProcess sidecar =
            SidecarProcess.run(
                "access_log.als.address=127.0.0.1:" + portOf(server),
                "access_log.als.streams=3",
                "access_log.als.stream_interval=10s");
        ServerSocket application = listen()) {
      int connections = 1009;
      int port = application.getLocalPort();
      exchange(application, connections, 11);
      List<JsonNode> entries =
          ChildProcess.await(
              "the entries, which a server gives back once it has three streams",
              () -> Optional.of(entries(server, port)).filter(e -> e.size() >= 2 * connections));
      assertThat(entries).hasSize(2 * connections);
      assertThat(ids(entries)).hasSize(2 * connections);
      assertThat(
              messages(server).stream()
                  .filter(m -> m.has("identifier"))
                  .map(m -> m.path("stream").asInt()))
          .contains(1, 2, 3)
          .doesNotHaveDuplicates();
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

  @Test
  void mutualTlsHeadersAndAUnixSocketReachTheServer(@TempDir Path directory) throws Exception {
    AlsCertificates certificates = new AlsCertificates(directory);
    Path socket = directory.resolve("als.sock");
    try (ChildProcess server =
            ChildProcess.python(
                "als_server.py",
                ChildProcess.protoDirectory(),
                "unix:" + socket,
                "serve",
                certificates.certificate("server"),
                certificates.key("server"),
                certificates.certificate("authority"));
        SidecarProcess sidecar =
            SidecarProcess.run(
                "access_log.als.address=unix:" + listening(server, socket),
                "access_log.als.tls.enabled=true",
                "access_log.als.tls.ca_file=" + certificates.certificate("authority"),
                "access_log.als.tls.cert_file=" + certificates.certificate("client"),
                "access_log.als.tls.key_file=" + certificates.key("client"),
                "access_log.als.authority=als.test",
                "access_log.als.headers=x-token=a%3bb",
                "node.pod_name=cart-1",
                "node.pod_namespace=shop",
                "node.pod_ip=10.1.2.3",
                "node.zone=eu-1",
                "node.metadata=WORKLOAD_NAME=cart");
        ServerSocket application = listen()) {
      int port = application.getLocalPort();
      exchange(application, 3, 11);
      ChildProcess.await(
          "every entry",
          () -> Optional.of(ids(entries(server, port))).filter(ids -> ids.size() == 6));
      JsonNode stream =
          messages(server).stream().filter(m -> m.has("headers")).findFirst().orElseThrow();
      assertThat(stream.at("/headers/x-token").asText()).isEqualTo("a;b");
      assertThat(stream.at("/headers/user-agent").asText()).startsWith("meshlens/");
      assertThat(stream.at("/client/0").asText()).isEqualTo("client.test");
      JsonNode node =
          messages(server).stream()
              .filter(m -> m.has("identifier"))
              .findFirst()
              .orElseThrow()
              .at("/identifier/node");
      assertThat(node.path("id").asText())
          .isEqualTo("sidecar~10.1.2.3~cart-1.shop~shop.svc.cluster.local");
      assertThat(node.at("/locality/zone").asText()).isEqualTo("eu-1");
      assertThat(node.at("/metadata/WORKLOAD_NAME").asText()).isEqualTo("cart");
      assertThat(node.path("userAgentVersion").asText()).isNotEmpty();
      for (JsonNode entry : entries(server, port)) {
        JsonNode common = entry.path("commonProperties");
        boolean inbound = common.at("/customTags/direction").asText().equals("inbound");
        assertThat(entry.at("/connectionProperties/receivedBytes").asText()).isEqualTo("11");
        assertThat(entry.at("/connectionProperties/sentBytes").asText()).isEqualTo("17");
        assertThat(common.path("downstreamWireBytesReceived").asText()).isEqualTo("11");
        assertThat(common.path("upstreamWireBytesReceived").asText()).isEqualTo("17");
        assertThat(common.path("accessLogType").asText()).isEqualTo("TcpConnectionEnd");
        assertThat(common.path("upstreamCluster").asText())
            .isEqualTo(inbound ? "inbound|" + port + "||" : "");
        assertThat(common.path("upstreamRequestAttemptCount").asInt()).isEqualTo(inbound ? 0 : 1);
        assertThat(common.at("/metadata/filterMetadata/meshlens/packets_sent").asInt())
            .isGreaterThan(2);
      }
    }
  }

  private static Path listening(ChildProcess server, Path socket) throws InterruptedException {
    portOf(server);
    return socket;
  }

  @Test
  void anotherServerTakesOverAndNothingIsLost() throws Exception {
    try (ChildProcess second = server(0, "serve");
        ChildProcess first = server(0, "exhausted");
        SidecarProcess sidecar =
            SidecarProcess.run(
                "access_log.als.address=127.0.0.1:%d;127.0.0.1:%d"
                    .formatted(portOf(first), portOf(second)));
        ServerSocket application = listen()) {
      int port = application.getLocalPort();
      exchange(application, 7, 11);
      ChildProcess.await(
          "every entry at the second server",
          () -> Optional.of(ids(entries(second, port))).filter(ids -> ids.size() == 14));
      assertThat(sidecar.metric("meshlens_access_log_als_failovers_total", Map.of())).isPositive();
      assertThat(sidecar.process().err())
          .anyMatch(line -> line.contains("RESOURCE_EXHAUSTED: too much, says the test"));
      assertThat(sidecar.metric("meshlens_access_log_als_lost_total", Map.of())).isZero();
    }
  }

  @Test
  void nameThatMovedIsFollowedOnceTheOldPlaceFails(@TempDir Path directory) throws Exception {
    Path hosts = Files.writeString(directory.resolve("hosts"), "127.0.0.1 als.test\n");
    try (ChildProcess old = server(0, "serve")) {
      int serverPort = portOf(old);
      try (SidecarProcess sidecar =
              SidecarProcess.runAt(
                  List.of(
                      "/usr/bin/env",
                      "MESHLENS_JAVA_OPTS=-Dsun.net.inetaddr.ttl=0 -Djdk.net.hosts.file=" + hosts),
                  "access_log.als.address=als.test:" + serverPort);
          ServerSocket application = listen()) {
        int port = application.getLocalPort();
        exchange(application, 2, 11);
        ChildProcess.await(
            "the old place to have its entries",
            () -> Optional.of(ids(entries(old, port))).filter(ids -> ids.size() == 4));
        ChildProcess.await(
            "their confirmation", () -> Optional.of(true).filter(x -> delivered(sidecar) >= 4));
        Files.writeString(hosts, "127.0.0.2 als.test\n");
        try (ChildProcess moved =
            ChildProcess.python(
                "als_server.py", ChildProcess.protoDirectory(), "127.0.0.2:" + serverPort)) {
          portOf(moved);
          old.kill();
          exchange(application, 3, 11);
          ChildProcess.await(
              "the new place to have the rest",
              () -> Optional.of(ids(entries(moved, port))).filter(ids -> ids.size() == 6));
        }
      }
    }
  }

  @Test
  void everyWrongSettingIsSaidAtOnce() throws Exception {
    try (ChildProcess program =
        ChildProcess.of(
            SidecarProcess.LAUNCHER,
            "run",
            "--set",
            "access_log.als.address=http://als:9001;als;unix:als.sock",
            "--set",
            "access_log.als.tls.cert_file=/nowhere/tls.crt",
            "--set",
            "access_log.als.headers=a b=geheim",
            "--set",
            "node.pod_name=cart-1")) {
      assertThat(program.exitCode()).isEqualTo(2);
      String said = String.join("\n", program.err());
      assertThat(said)
          .contains("\"http://als:9001\" is a URL; expected HOST:PORT such as collector:9001")
          .contains("\"als\" has no port; expected HOST:PORT")
          .contains("\"unix:als.sock\" has no absolute path; expected one such as")
          .contains(
              "files of access_log.als.tls are given, but access_log.als.tls.enabled is false")
          .contains("\"a b\" cannot be the name of a header")
          .contains("not set: node.pod_namespace, node.pod_ip")
          .doesNotContain("geheim");
    }
  }
}
