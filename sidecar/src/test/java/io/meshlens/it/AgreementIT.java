// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Mixed traffic, counted by everybody: the applications, the access log, a real Prometheus that
 * scrapes, and an OTLP receiver of another language that is pushed to. All agree to the byte.
 */
@RequiresKernel
class AgreementIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<String> SIDES = List.of("outbound", "inbound");
  private static final int PORT = 22_000;

  @TempDir Path directory;
  private TestCgroup cgroup;
  private NetworkNamespace node;
  private TcpPeer peer;

  @BeforeEach
  void startPeer() throws Exception {
    cgroup = new TestCgroup();
    node = new NetworkNamespace();
    node.filter(
        "input",
        "tcp dport %d reject with icmp type host-unreachable".formatted(PORT + 2),
        "tcp dport { %d, %d } drop".formatted(PORT + 3, PORT + 13));
    peer = new TcpPeer(cgroup.entrance(node));
    peer.run(
        """
        from traffic import *
        all = [Traffic('127.0.0.1', %d), Traffic('::1', %d)]
        """,
        PORT, PORT + 10);
  }

  @AfterEach
  void end() throws Exception {
    for (AutoCloseable part : new AutoCloseable[] {peer, node, cgroup}) {
      if (part != null) {
        part.close();
      }
    }
  }

  /** Small and large, both ways, ended and failed in every way, open for long and short. */
  private Map<String, Totals> traffic() throws Exception {
    peer.run(
        """
        for t in all: t.hold(3); t.pump(2)
        for t in all: t.churn(30, ENDINGS + (REFUSED, ABORTED))
        for t in all: t.one(CLIENT_CLOSES, 5_000_000, 3); t.one(SERVER_CLOSES, 0, 7_000_000)
        all[0].churn(1, (UNREACHABLE,), threads=3)
        for t in all: t.pump(2); t.release()
        """);
    Map<String, Totals> counted = new HashMap<>();
    for (String side : SIDES) {
      Totals totals = new Totals(0, 0, Map.of(), 0, 0);
      for (int i = 0; i < 2; i++) {
        totals =
            totals.plus(
                Totals.ofApplication(peer.run("%s", "all[%d].over()".formatted(i)).path(side)));
      }
      counted.put(side, totals);
    }
    return counted;
  }

  @ParameterizedTest
  @ValueSource(strings = {"cumulative", "delta"})
  void everybodyCountsWhatTheApplicationsDid(String temporality) throws Exception {
    try (ChildProcess receiver =
        ChildProcess.python("otlp_server.py", ChildProcess.protoDirectory(), "0")) {
      int receiverPort =
          ChildProcess.await(
                  "the receiver: " + receiver.err(),
                  () -> points(receiver).filter(p -> p.has("port")).findFirst())
              .path("port")
              .asInt();
      Map<String, Totals> counted;
      try (SidecarProcess sidecar =
              SidecarProcess.run(
                  "cgroup=" + cgroup.path(),
                  "kernel.pin_path=off",
                  "metrics.otlp.endpoint=http://127.0.0.1:" + receiverPort,
                  "metrics.otlp.temporality=" + temporality,
                  "metrics.otlp.interval=1s");
          PrometheusServer prometheus =
              new PrometheusServer(directory, sidecar.telemetryAddress())) {
        counted = traffic();
        long ended = counted.values().stream().mapToLong(Totals::ended).sum();
        ChildProcess.await(
            ended + " records",
            () -> Optional.of(true).filter(x -> sidecar.records(r -> true).size() >= ended));
        List<JsonNode> records = sidecar.records(r -> true);
        for (String side : SIDES) {
          Totals expected = of(counted, side);
          assertThat(Totals.ofRecords(records, side)).as("access log, " + side).isEqualTo(expected);
          assertPrometheus(prometheus, reporter(side), expected);
        }
        assertThat(sidecar.metric("mesh_tcp_connection_duration_seconds_count", Map.of()))
            .isEqualTo(counted.values().stream().mapToLong(Totals::closed).sum());
        // The last push is the final one.
        sidecar.process().terminate();
        assertThat(sidecar.process().exitCode()).isZero();
      }
      for (String side : SIDES) {
        assertThat(pushed(receiver, reporter(side), temporality))
            .as("OTLP, " + side)
            .isEqualTo(of(counted, side));
      }
    }
  }

  private static String reporter(String side) {
    return side.equals("outbound") ? "source" : "destination";
  }

  private static Totals of(Map<String, Totals> counted, String side) {
    return Objects.requireNonNull(counted.get(side), side);
  }

  private static void assertPrometheus(
      PrometheusServer prometheus, String reporter, Totals expected) throws InterruptedException {
    String sum = "sum(%s{reporter=\"" + reporter + "\"%s})";
    prometheus.await(sum.formatted("mesh_tcp_connections_opened_total", ""), expected.opened());
    prometheus.await(sum.formatted("mesh_tcp_connections_closed_total", ""), expected.closed());
    prometheus.await(
        sum.formatted("mesh_tcp_io_bytes_total", ",network_io_direction=\"transmit\""),
        expected.sent());
    prometheus.await(
        sum.formatted("mesh_tcp_io_bytes_total", ",network_io_direction=\"receive\""),
        expected.received());
    for (Map.Entry<String, Long> failed : expected.failed().entrySet()) {
      prometheus.await(
          sum.formatted(
              "mesh_tcp_connections_failed_total", ",error_type=\"" + failed.getKey() + "\""),
          failed.getValue());
    }
  }

  /** The sum of all points, or of the last ones of each series when they are cumulative. */
  private static Totals pushed(ChildProcess receiver, String reporter, String temporality) {
    Map<String, Long> bySeries = new HashMap<>();
    points(receiver)
        .filter(p -> p.path("metric").asText().startsWith("mesh.tcp."))
        .filter(p -> p.path("kind").asText().equals("sum"))
        .filter(p -> p.at("/attributes/reporter").asText().equals(reporter))
        .forEach(
            p ->
                bySeries.merge(
                    p.path("metric").asText() + p.path("attributes"),
                    p.path("value").asLong(),
                    temporality.equals("delta") ? Long::sum : (before, now) -> now));
    Map<String, Long> failed = new HashMap<>();
    bySeries.forEach(
        (series, value) -> {
          if (series.startsWith("mesh.tcp.connections.failed")) {
            failed.merge(
                series.replaceAll(".*\"error.type\":\"([^\"]*)\".*", "$1"), value, Long::sum);
          }
        });
    return new Totals(
        sum(bySeries, "mesh.tcp.connections.opened", ""),
        sum(bySeries, "mesh.tcp.connections.closed", ""),
        failed,
        sum(bySeries, "mesh.tcp.io", "\"transmit\""),
        sum(bySeries, "mesh.tcp.io", "\"receive\""));
  }

  private static long sum(Map<String, Long> bySeries, String metric, String with) {
    return bySeries.entrySet().stream()
        .filter(e -> e.getKey().startsWith(metric) && e.getKey().contains(with))
        .mapToLong(Map.Entry::getValue)
        .sum();
  }

  private static Stream<JsonNode> points(ChildProcess receiver) {
    List<JsonNode> points = new ArrayList<>();
    for (String line : receiver.out()) {
      try {
        points.add(JSON.readTree(line));
      } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
        throw new UncheckedIOException(e);
      }
    }
    return points.stream();
  }
}
