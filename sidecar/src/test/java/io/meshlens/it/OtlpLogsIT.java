// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Connections as OTLP log records, read by Python's protobuf over both transports. */
@RequiresKernel
class OtlpLogsIT {
  @TempDir private Path temporary;

  private static SidecarProcess start(CollectingServer server, Churn churn, String... settings)
      throws Exception {
    List<String> all =
        new ArrayList<>(
            List.of(
                "kernel.pin_path=off",
                "filter.include=port=" + churn.port(),
                "access_log.stdout.enabled=false",
                "access_log.otlp.endpoint=http://127.0.0.1:" + server.port(),
                "access_log.otlp.headers=x-tenant=blue",
                "node.id=node-7",
                "shutdown.timeout=3s"));
    all.addAll(List.of(settings));
    return SidecarProcess.run(all.toArray(String[]::new));
  }

  private static String protocol(String transport) {
    return "access_log.otlp.protocol=" + (transport.equals("grpc") ? "grpc" : "http/protobuf");
  }

  static Set<String> delivered(CollectingServer server) {
    Set<String> delivered = new TreeSet<>();
    for (JsonNode line : server.lines("attributes")) {
      JsonNode attributes = line.path("attributes");
      boolean client = attributes.path("reporter").asText().equals("source");
      delivered.add(
          Churn.report(
              attributes.path("reporter").asText(),
              attributes.path("network.io." + (client ? "transmit" : "receive")).asText(),
              attributes.path("network.io." + (client ? "receive" : "transmit")).asText()));
    }
    return delivered;
  }

  private static void awaitEverything(CollectingServer server, Churn churn) throws Exception {
    Set<String> truth = churn.truth();
    ChildProcess.await(
        "all records",
        () -> Optional.of(true).filter(x -> delivered(server).size() >= truth.size()));
    assertThat(delivered(server)).isEqualTo(truth);
  }

  private static void awaitMetric(SidecarProcess sidecar, String name, long value)
      throws InterruptedException {
    ChildProcess.await(
        name + " to be " + value,
        () -> Optional.of(true).filter(x -> metric(sidecar, name) >= value));
  }

  private static long metric(SidecarProcess sidecar, String name) {
    try {
      return sidecar.metric("meshlens_access_log_otlp_" + name, Map.of());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"grpc", "http"})
  void everyRecordArrivesAlsoAfterRefusalsAndOnlyRejectedOnesAreNotSentAgain(String transport)
      throws Exception {
    try (CollectingServer server = new CollectingServer("otlp_log_server.py", transport);
        Churn churn = new Churn();
        SidecarProcess sidecar =
            start(
                server,
                churn,
                protocol(transport),
                "access_log.otlp.compression=gzip",
                "access_log.spool.directory=" + temporary)) {
      churn.make(20);
      awaitEverything(server, churn);
      assertShape(server.lines("attributes").getFirst());
      for (String refusal : List.of("unavailable", "exhausted")) {
        long failures = metric(sidecar, "export_failures_total");
        server.command(refusal);
        churn.make(10);
        awaitMetric(sidecar, "export_failures_total", failures + 2);
        server.command("serve");
        awaitEverything(server, churn);
      }
      awaitMetric(sidecar, "delivered_total", 80);
      assertThat(metric(sidecar, "lost_total")).isZero();

      server.command("partial");
      int requests = server.lines("request").size();
      churn.make(1);
      awaitMetric(sidecar, "lost_total", 1);
      server.command("invalid");
      churn.make(1);
      awaitMetric(sidecar, "lost_total", 3);
      server.command("serve");
      churn.make(1);
      awaitMetric(sidecar, "delivered_total", 83 - metric(sidecar, "lost_total") + 2);
      assertThat(sidecar.metric("meshlens_access_log_otlp_lost_total", Map.of("cause", "rejected")))
          .isEqualTo(metric(sidecar, "lost_total"));
      // None of them came again: at most two for each of the three connections.
      assertThat(server.lines("request").size() - requests).isLessThanOrEqualTo(6);
    }
  }

  private static void assertShape(JsonNode record) {
    assertThat(record.at("/resource/service.name").asText()).isEqualTo("meshlens");
    assertThat(record.at("/resource/service.instance.id").asText()).isEqualTo("node-7");
    assertThat(record.at("/scope").asText()).isEqualTo("meshlens");
    assertThat(record.at("/headers/x-tenant").asText()).isEqualTo("blue");
    assertThat(record.at("/event").asText()).isEqualTo("mesh.tcp.connection.closed");
    assertThat(record.at("/severity/0").asInt()).isEqualTo(9);
    assertThat(record.at("/severity/1").asText()).isEqualTo("INFO");
    assertThat(record.at("/observed_ns").asLong()).isGreaterThan(record.at("/time_ns").asLong());
    JsonNode attributes = record.path("attributes");
    assertThat(attributes.path("source.address").asText()).isEqualTo("127.0.0.1");
    assertThat(attributes.path("destination.address").asText()).isEqualTo("127.0.0.1");
    assertThat(attributes.path("network.transport").asText()).isEqualTo("tcp");
    assertThat(attributes.path("network.type").asText()).isEqualTo("ipv4");
    assertThat(attributes.path("log.record.uid").asText())
        .isEqualTo(attributes.path("mesh.connection.id").asText())
        .isNotEmpty();
    assertThat(attributes.path("process.pid").asLong()).isEqualTo(ProcessHandle.current().pid());
  }
}
