// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.flow.Direction;
import io.meshlens.flow.Identities;
import io.meshlens.flow.Sum;
import io.meshlens.metrics.KernelSums.Pair;
import io.meshlens.metrics.MeshMetrics;
import io.meshlens.metrics.Names;
import io.meshlens.metrics.Profile;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

final class MeshCollectorTest {
  private final MeshFixture fixture = new MeshFixture();

  private static List<String> samples(MeshMetrics mesh) throws IOException {
    ByteArrayOutputStream page = new ByteArrayOutputStream();
    ExpositionFormatWriter writer = PrometheusTextFormatWriter.builder().build();
    mesh.account();
    writer.write(page, new MeshCollector(MetricSnapshots::new, mesh).collect());
    return page.toString(UTF_8).lines().filter(line -> !line.startsWith("#")).toList();
  }

  @Test
  void otelMetricsHaveTheNamesThatPrometheusGivesThem() throws Exception {
    MeshMetrics mesh = fixture.mesh(Profile.OTEL, Identities.NONE);
    fixture.kernel.open(Pair.outbound(1, 2), 11, 13);
    String labels =
        "destination_address=\"10.0.0.2\",destination_port=\"443\",%snetwork_transport=\"tcp\","
            + "reporter=\"source\",source_address=\"10.0.0.1\"";
    String plain = labels.formatted("");
    String transmit = labels.formatted("network_io_direction=\"transmit\",");

    assertThat(samples(mesh))
        .contains(
            "mesh_tcp_connections_opened_total{" + plain + "} 1.0",
            "mesh_tcp_connections_closed_total{" + plain + "} 0.0",
            "mesh_tcp_connections_active{" + plain + "} 1.0",
            "mesh_tcp_io_bytes_total{" + transmit + "} 11.0",
            "mesh_tcp_packets_total{" + transmit + "} 0.0",
            "mesh_tcp_retransmits_total{" + plain + "} 0.0")
        .noneMatch(line -> line.startsWith("mesh_tcp_connections_failed"));
  }

  @Test
  void istioMetricsHaveTheNamesOfIstioAndNoOthers() throws Exception {
    Names names =
        new Names().put(1, Names.workload("shop", "checkout")).put(2, Names.workload("pay", "db"));
    MeshMetrics mesh = fixture.mesh(Profile.ISTIO, names);
    fixture.kernel.open(Pair.outbound(1, 2), 11, 1300);
    fixture.kernel.add(Pair.outbound(1, 2).failedWith(111), Sum.CONNECTIONS_FAILED, 2);

    List<String> samples = samples(mesh);

    assertThat(samples).allMatch(line -> line.startsWith("istio_tcp_"));
    assertThat(samples)
        .anyMatch(
            line ->
                line.startsWith("istio_tcp_sent_bytes_total{connection_security_policy=\"unknown\"")
                    && line.contains("response_flags=\"-\"")
                    && line.endsWith(" 1300.0"))
        .anyMatch(
            line ->
                line.startsWith("istio_tcp_connections_failed_total{")
                    && line.contains("response_flags=\"CONNECT\"")
                    && line.endsWith(" 2.0"));
  }

  @Test
  void overflowIsVisible() throws Exception {
    MeshMetrics mesh = fixture.mesh(Profile.OTEL, Identities.NONE);
    fixture.kernel.addOverflow(Direction.INBOUND, Sum.CONNECTIONS_OPENED, 9);

    assertThat(samples(mesh))
        .contains(
            "mesh_tcp_connections_opened_total{network_transport=\"tcp\","
                + "otel_metric_overflow=\"true\",reporter=\"destination\"} 9.0");
  }

  @Test
  void histogramsHaveFixedBucketsAndNativeOnes() throws Exception {
    MeshMetrics mesh = fixture.mesh(Profile.OTEL, Identities.NONE);
    mesh.durations().accept(fixture.closed(1, 2, 5));
    mesh.durations().accept(fixture.closed(1, 2, 6));

    List<String> samples = samples(mesh);

    assertThat(samples)
        .anyMatch(l -> l.contains("duration_seconds_bucket") && l.endsWith("le=\"0.005\"} 1"))
        .anyMatch(l -> l.contains("duration_seconds_bucket") && l.endsWith("le=\"0.01\"} 2"))
        .anyMatch(
            l -> l.startsWith("mesh_tcp_connection_duration_seconds_sum") && l.endsWith(" 0.011"));
    io.prometheus.metrics.model.snapshots.HistogramSnapshot histogram =
        new MeshCollector(MetricSnapshots::new, mesh)
            .collect().stream()
                .filter(
                    s -> s.getMetadata().getName().equals("mesh_tcp_connection_duration_seconds"))
                .map(io.prometheus.metrics.model.snapshots.HistogramSnapshot.class::cast)
                .findFirst()
                .orElseThrow();
    // 2^(-61/8) = 0.00507 is the upper bound of the bucket that Prometheus numbers -61.
    assertThat(histogram.getDataPoints().getFirst().getNativeSchema()).isEqualTo(3);
    assertThat(
            histogram.getDataPoints().getFirst().getNativeBucketsForPositiveValues().stream()
                .map(b -> b.getBucketIndex()))
        .containsExactly(-61, -59);
  }
}
