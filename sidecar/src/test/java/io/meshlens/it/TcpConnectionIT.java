// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.net.InetAddresses;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Every way here ends with the byte counts that the two applications themselves have. */
@RequiresKernel
class TcpConnectionIT {
  private static SidecarProcess sidecar;
  private static ExecutorService peers;

  @BeforeAll
  static void start() throws Exception {
    sidecar = SidecarProcess.run();
    peers = Executors.newVirtualThreadPerTaskExecutor();
  }

  @AfterAll
  static void stop() {
    sidecar.close();
    peers.close();
  }

  private static ServerSocket listen(String address) throws IOException {
    return new ServerSocket(0, 128, InetAddresses.forString(address));
  }

  private static InetSocketAddress address(String literal, int port) {
    return new InetSocketAddress(InetAddresses.forString(literal), port);
  }

  private static Socket connect(ServerSocket server) throws IOException {
    return new Socket(server.getInetAddress(), server.getLocalPort());
  }

  private static void assertBytes(JsonNode record, long sent, long received) {
    assertThat(record.path("bytes_sent").asLong()).as("sent: %s", record).isEqualTo(sent);
    assertThat(record.path("bytes_received").asLong())
        .as("received: %s", record)
        .isEqualTo(received);
  }

  private static void assertEnd(JsonNode record, String event, String termination) {
    assertThat(record.path("event").asText()).as("%s", record).isEqualTo(event);
    assertThat(record.path("termination").asText()).as("%s", record).isEqualTo(termination);
  }

  @Test
  void aSmallExchangeIsReportedByBothSidesToTheByte() throws Exception {
    try (ServerSocket server = listen("127.0.0.1")) {
      int clientPort;
      try (Socket client = connect(server);
          Socket accepted = server.accept()) {
        clientPort = client.getLocalPort();
        client.getOutputStream().write(new byte[1009]);
        accepted.getInputStream().readNBytes(1009);
        accepted.getOutputStream().write(new byte[17]);
        client.getInputStream().readNBytes(17);
        client.shutdownOutput();
        assertThat(accepted.getInputStream().read()).isEqualTo(-1);
      }
      List<JsonNode> records = sidecar.awaitRecords(server.getLocalPort(), 2);
      JsonNode outbound = SidecarProcess.of(records, "outbound");
      JsonNode inbound = SidecarProcess.of(records, "inbound");
      assertBytes(outbound, 1009, 17);
      assertBytes(inbound, 17, 1009);
      assertEnd(outbound, "closed", "fin_local");
      assertEnd(inbound, "closed", "fin_remote");
      for (JsonNode record : records) {
        assertThat(record.path("schema").asText()).isEqualTo("meshlens.connection.v1");
        assertThat(record.at("/source/address").asText()).isEqualTo("127.0.0.1");
        assertThat(record.at("/source/port").asInt()).isEqualTo(clientPort);
        assertThat(record.at("/destination/address").asText()).isEqualTo("127.0.0.1");
        assertThat(record.at("/process/pid").asLong()).isEqualTo(ProcessHandle.current().pid());
        assertThat(record.at("/process/netns").asText()).isEqualTo(netnsOfThisProcess());
      }
      assertThat(outbound.path("connect_ns").asLong()).isPositive();
      assertThat(outbound.path("id").asText()).isNotEqualTo(inbound.path("id").asText());
    }
  }

  /** The number in {@code net:[4026531833]}. */
  private static String netnsOfThisProcess() throws IOException {
    return Files.readSymbolicLink(Path.of("/proc/self/ns/net")).toString().replaceAll("\\D", "");
  }

  @Test
  void anEmptyConnectionHasNoBytes() throws Exception {
    try (ServerSocket server = listen("127.0.0.1")) {
      connect(server).close();
      server.accept().close();
      List<JsonNode> records = sidecar.awaitRecords(server.getLocalPort(), 2);
      records.forEach(record -> assertBytes(record, 0, 0));
      assertEnd(SidecarProcess.of(records, "outbound"), "closed", "fin_local");
      assertEnd(SidecarProcess.of(records, "inbound"), "closed", "fin_remote");
    }
  }

  @Test
  void aConnectionBeyondFourGibibytesIsCountedToTheByte() throws Exception {
    long total = (4L << 30) + 1_000_003;
    try (ServerSocketChannel server = ServerSocketChannel.open()) {
      server.bind(address("127.0.0.1", 0));
      int port = ((InetSocketAddress) server.getLocalAddress()).getPort();
      Future<Long> counted =
          peers.submit(
              () -> {
                try (SocketChannel accepted = server.accept()) {
                  ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
                  long received = 0;
                  for (int n = accepted.read(buffer); n >= 0; n = accepted.read(buffer.clear())) {
                    received += n;
                  }
                  return received;
                }
              });
      try (SocketChannel client = SocketChannel.open(server.getLocalAddress())) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
        for (long left = total; left > 0; ) {
          buffer.clear().limit((int) Math.min(buffer.capacity(), left));
          left -= client.write(buffer);
        }
      }
      assertThat(counted.get()).isEqualTo(total);
      List<JsonNode> records = sidecar.awaitRecords(port, 2);
      assertBytes(SidecarProcess.of(records, "outbound"), total, 0);
      assertBytes(SidecarProcess.of(records, "inbound"), 0, total);
    }
  }

  @Test
  void aServerThatClosesFirstIsTheOneWhoSentTheFin() throws Exception {
    try (ServerSocket server = listen("127.0.0.1")) {
      try (Socket client = connect(server)) {
        try (Socket accepted = server.accept()) {
          accepted.getOutputStream().write(new byte[4099]);
        }
        assertThat(client.getInputStream().readAllBytes()).hasSize(4099);
      }
      List<JsonNode> records = sidecar.awaitRecords(server.getLocalPort(), 2);
      JsonNode outbound = SidecarProcess.of(records, "outbound");
      JsonNode inbound = SidecarProcess.of(records, "inbound");
      assertBytes(outbound, 0, 4099);
      assertBytes(inbound, 4099, 0);
      assertEnd(outbound, "closed", "fin_remote");
      assertEnd(inbound, "closed", "fin_local");
    }
  }

  @Test
  void aResetByTheClientIsLocalToItAndRemoteToTheServer() throws Exception {
    try (ServerSocket server = listen("127.0.0.1")) {
      try (Socket client = connect(server);
          Socket accepted = server.accept()) {
        client.getOutputStream().write(new byte[257]);
        accepted.getInputStream().readNBytes(257);
        client.setSoLinger(true, 0);
        client.close();
        assertThat(readUntilEnd(accepted)).isZero();
      }
      List<JsonNode> records = sidecar.awaitRecords(server.getLocalPort(), 2);
      JsonNode outbound = SidecarProcess.of(records, "outbound");
      JsonNode inbound = SidecarProcess.of(records, "inbound");
      assertBytes(outbound, 257, 0);
      assertBytes(inbound, 0, 257);
      assertEnd(outbound, "closed", "reset_local");
      assertEnd(inbound, "closed", "reset_remote");
    }
  }

  @Test
  void aServerThatClosesWithUnreadDataResets() throws Exception {
    try (ServerSocket server = listen("127.0.0.1")) {
      try (Socket client = connect(server)) {
        Socket accepted = server.accept();
        client.getOutputStream().write(new byte[521]);
        ChildProcess.await(
            "the data to arrive unread",
            () -> available(accepted) == 521 ? Optional.of(true) : Optional.empty());
        accepted.close();
        assertThat(readUntilEnd(client)).isZero();
      }
      List<JsonNode> records = sidecar.awaitRecords(server.getLocalPort(), 2);
      JsonNode outbound = SidecarProcess.of(records, "outbound");
      JsonNode inbound = SidecarProcess.of(records, "inbound");
      assertBytes(outbound, 521, 0);
      assertBytes(inbound, 0, 521);
      assertEnd(outbound, "closed", "reset_remote");
      assertEnd(inbound, "closed", "reset_local");
    }
  }

  private static int available(Socket socket) {
    try {
      return socket.getInputStream().available();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static int readUntilEnd(Socket socket) throws IOException {
    InputStream in = socket.getInputStream();
    int count = 0;
    try {
      while (in.read() >= 0) {
        count++;
      }
    } catch (SocketException reset) {
      assertThat(reset).hasMessageContaining("reset");
    }
    return count;
  }

  @Test
  void aRefusedConnectionIsOneFailedRecordWithItsErrno() throws Exception {
    int port;
    try (ServerSocket server = listen("127.0.0.1")) {
      port = server.getLocalPort();
    }
    try (Socket client = new Socket()) {
      client.connect(address("127.0.0.1", port));
      throw new AssertionError("nobody listens on " + port);
    } catch (ConnectException expected) {
      assertThat(expected).hasMessageContaining("refused");
    }
    JsonNode record = SidecarProcess.of(sidecar.awaitRecords(port, 1), "outbound");
    assertEnd(record, "failed", "refused");
    assertThat(record.path("error").asText()).isEqualTo("ECONNREFUSED");
    assertThat(record.has("rtt_us")).isFalse();
    assertThat(record.has("connect_ns")).isFalse();
    assertBytes(record, 0, 0);
  }

  @Test
  void aHalfClosedConnectionStillReceives() throws Exception {
    try (ServerSocket server = listen("127.0.0.1")) {
      try (Socket client = connect(server);
          Socket accepted = server.accept()) {
        client.getOutputStream().write(new byte[211]);
        client.shutdownOutput();
        assertThat(accepted.getInputStream().readAllBytes()).hasSize(211);
        accepted.getOutputStream().write(new byte[5003]);
        accepted.shutdownOutput();
        assertThat(client.getInputStream().readAllBytes()).hasSize(5003);
      }
      List<JsonNode> records = sidecar.awaitRecords(server.getLocalPort(), 2);
      JsonNode outbound = SidecarProcess.of(records, "outbound");
      JsonNode inbound = SidecarProcess.of(records, "inbound");
      assertBytes(outbound, 211, 5003);
      assertBytes(inbound, 5003, 211);
      assertEnd(outbound, "closed", "fin_local");
      assertEnd(inbound, "closed", "fin_remote");
    }
  }

  @Test
  void aKilledProcessLeavesItsRecordWithItsName() throws Exception {
    String program =
        """
        import socket, sys, time
        s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        s.sendall(b"x" * 1013)
        time.sleep(60)
        """;
    try (ServerSocket server = listen("127.0.0.1");
        ChildProcess victim =
            ChildProcess.of(
                "/usr/bin/python3", "-c", program, Integer.toString(server.getLocalPort()))) {
      try (Socket accepted = server.accept()) {
        assertThat(accepted.getInputStream().readNBytes(1013)).hasSize(1013);
        victim.kill();
        assertThat(accepted.getInputStream().read()).isEqualTo(-1);
      }
      List<JsonNode> records = sidecar.awaitRecords(server.getLocalPort(), 2);
      JsonNode outbound = SidecarProcess.of(records, "outbound");
      assertBytes(outbound, 1013, 0);
      assertEnd(outbound, "closed", "fin_local");
      assertThat(outbound.at("/process/pid").asLong()).isEqualTo(victim.pid());
      assertThat(outbound.at("/process/comm").asText()).startsWith("python3");
      assertBytes(SidecarProcess.of(records, "inbound"), 0, 1013);
    }
  }

  @Test
  void ipv6IsReportedInItsOwnNotation() throws Exception {
    try (ServerSocket server = listen("::1")) {
      exchange(server, address("::1", server.getLocalPort()));
      for (JsonNode record : sidecar.awaitRecords(server.getLocalPort(), 2)) {
        assertThat(record.at("/source/address").asText()).isEqualTo("::1");
        assertThat(record.at("/destination/address").asText()).isEqualTo("::1");
      }
    }
  }

  @Test
  void ipv4MappedAddressesOfIpv6SocketsAreShownAsIpv4() throws Exception {
    try (ServerSocket server = listen("::")) {
      String hexPort = "%04X".formatted(server.getLocalPort());
      assertThat(Files.readAllLines(Path.of("/proc/net/tcp6")))
          .as("the listener is an IPv6 socket")
          .anyMatch(line -> line.contains(":" + hexPort + " "));
      exchange(server, address("127.0.0.1", server.getLocalPort()));
      for (JsonNode record : sidecar.awaitRecords(server.getLocalPort(), 2)) {
        assertThat(record.at("/source/address").asText()).isEqualTo("127.0.0.1");
        assertThat(record.at("/destination/address").asText()).isEqualTo("127.0.0.1");
      }
    }
  }

  private static void exchange(ServerSocket server, InetSocketAddress address) throws IOException {
    try (Socket client = new Socket(address.getAddress(), address.getPort());
        Socket accepted = server.accept()) {
      client.getOutputStream().write(new byte[101]);
      assertThat(accepted.getInputStream().readNBytes(101)).hasSize(101);
    }
  }

  @Test
  void everyConnectionOfAChurnIsRecordedOnceBySideWithTheRightSums() throws Exception {
    int connections = 2003;
    try (ServerSocket server = listen("127.0.0.1")) {
      Future<Long> served =
          peers.submit(
              () -> {
                long bytes = 0;
                for (int i = 0; i < connections; i++) {
                  try (Socket accepted = server.accept()) {
                    bytes += accepted.getInputStream().readAllBytes().length;
                  }
                }
                return bytes;
              });
      long sent = 0;
      for (int i = 0; i < connections; i++) {
        try (Socket client = connect(server)) {
          client.getOutputStream().write(new byte[i % 97]);
          sent += i % 97;
        }
      }
      assertThat(served.get()).isEqualTo(sent);
      List<JsonNode> records = sidecar.awaitRecords(server.getLocalPort(), 2 * connections);
      Set<String> ids = new HashSet<>();
      records.forEach(record -> ids.add(record.path("id").asText()));
      assertThat(ids).hasSize(2 * connections);
      assertThat(sum(records, "outbound", "bytes_sent")).isEqualTo(sent);
      assertThat(sum(records, "inbound", "bytes_received")).isEqualTo(sent);
      assertSums(server.getLocalPort(), connections, sent);
    }
  }

  private static long sum(List<JsonNode> records, String direction, String key) {
    return records.stream()
        .filter(record -> record.path("direction").asText().equals(direction))
        .mapToLong(record -> record.path(key).asLong())
        .sum();
  }

  private static void assertSums(int port, int connections, long sent) throws Exception {
    Map<String, String> client =
        Map.of("reporter", "source", "destination_port", Integer.toString(port));
    assertThat(sidecar.metric("mesh_tcp_connections_opened_total", client)).isEqualTo(connections);
    assertThat(sidecar.metric("mesh_tcp_connections_closed_total", client)).isEqualTo(connections);
    assertThat(sidecar.metric("mesh_tcp_connections_active", client)).isZero();
    assertThat(
            sidecar.metric(
                "mesh_tcp_io_bytes_total",
                Map.of(
                    "reporter", "source",
                    "destination_port", Integer.toString(port),
                    "network_io_direction", "transmit")))
        .isEqualTo(sent);
  }
}
