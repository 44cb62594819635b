// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.flow.Direction;
import io.meshlens.flow.Identity;
import io.meshlens.metrics.MeshMetric.Part;
import io.meshlens.vitals.Vitals;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class ProfileTest {
  private static Ends ends(Identity source, Identity destination) {
    return new Ends(
        Direction.OUTBOUND, KernelSums.ipv4(1), KernelSums.ipv4(2), 5432, source, destination);
  }

  private static Map<String, Object> labels(MeshMetric metric, Detail detail, Ends ends) {
    Shape shape = new Shape(metric.columns(), detail, new LabelText(new Vitals()));
    LabelSet labels = shape.labels(ends);
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < shape.names().size(); i++) {
      map.put(shape.names().get(i), labels.value(i));
    }
    return map;
  }

  private static Ends named() {
    return ends(Names.workload("shop", "checkout"), Names.workload("pay", "payments"));
  }

  @Test
  void istioHasTheStandardLabelsInTheWordsOfZtunnel() {
    assertThat(labels(MeshMetric.ISTIO_SENT, Detail.WORKLOAD, named()))
        .containsExactly(
            Map.entry("reporter", "source"),
            Map.entry("source_workload", "checkout"),
            Map.entry("source_canonical_service", "checkout"),
            Map.entry("source_canonical_revision", "v1"),
            Map.entry("source_workload_namespace", "shop"),
            Map.entry("source_principal", "unknown"),
            Map.entry("source_app", "checkout"),
            Map.entry("source_version", "v1"),
            Map.entry("source_cluster", "east"),
            Map.entry("destination_service", "payments.pay.svc.cluster.local"),
            Map.entry("destination_service_namespace", "pay"),
            Map.entry("destination_service_name", "payments"),
            Map.entry("destination_workload", "payments"),
            Map.entry("destination_canonical_service", "payments"),
            Map.entry("destination_canonical_revision", "v1"),
            Map.entry("destination_workload_namespace", "pay"),
            Map.entry("destination_principal", "spiffe://cluster.local/ns/pay/sa/sa-payments"),
            Map.entry("destination_app", "payments"),
            Map.entry("destination_version", "v1"),
            Map.entry("destination_cluster", "east"),
            Map.entry("request_protocol", "tcp"),
            Map.entry("connection_security_policy", "unknown"));
  }

  @Test
  void whoIsNotKnownIsUnknownInIstioADashInKmeshAndAbsentInOtel() {
    Ends nobody = ends(Identity.UNKNOWN, Identity.UNKNOWN);

    assertThat(labels(MeshMetric.ISTIO_SENT, Detail.WORKLOAD, nobody))
        .hasSize(22)
        .containsEntry("source_workload", "unknown")
        .containsEntry("destination_service", "unknown");
    assertThat(labels(MeshMetric.KMESH_SENT, Detail.WORKLOAD, nobody))
        .containsEntry("source_workload", "-")
        .containsEntry("connection_security_policy", "unknown");
    assertThat(labels(MeshMetric.IO, Detail.WORKLOAD, nobody))
        .containsEntry("source.k8s.workload.name", "")
        .containsEntry("source.address", "");
  }

  @Test
  void kmeshTellsThePodOnlyWhereAddressesHaveSeries() {
    Ends toPod =
        ends(
            Names.workload("shop", "checkout"),
            Names.workload("pay", "payments").toBuilder().pod("payments-1").build());

    assertThat(labels(MeshMetric.KMESH_WORKLOAD_SENT, Detail.ADDRESS, toPod))
        .hasSize(22)
        .containsEntry("destination_pod_name", "payments-1")
        .containsEntry("destination_pod_address", "10.0.0.2")
        .doesNotContainKey("destination_service");
    assertThat(labels(MeshMetric.KMESH_WORKLOAD_SENT, Detail.WORKLOAD, toPod))
        .containsEntry("destination_pod_name", "-")
        .containsEntry("destination_pod_address", "-");
  }

  @Test
  void detailLeavesOutWhatIsFiner() {
    assertThat(labels(MeshMetric.IO, Detail.SERVICE, named()))
        .containsEntry("source.k8s.workload.name", "")
        .containsEntry("destination.port", "")
        .containsEntry("destination.k8s.service.name", "payments")
        .containsEntry("source.k8s.namespace.name", "shop");
    assertThat(labels(MeshMetric.IO, Detail.NAMESPACE, named()))
        .containsEntry("destination.k8s.service.name", "")
        .containsEntry("destination.k8s.namespace.name", "pay");
    assertThat(labels(MeshMetric.ISTIO_SENT, Detail.NAMESPACE, named()))
        .containsEntry("source_workload", "unknown")
        .containsEntry("source_workload_namespace", "shop");
  }

  @Test
  void sentIsFromServerToClientForBothReportersInIstioAndKmesh() {
    long[] values = new long[Counts.SLOTS];
    values[Quantity.SENT.slot(Direction.OUTBOUND)] = 7;
    values[Quantity.RECEIVED.slot(Direction.OUTBOUND)] = 4000;
    Counts atClient = new Counts(values, Counts.NO_ERRORS, Counts.NO_FAILURES);

    for (MeshMetric sent : List.of(MeshMetric.ISTIO_SENT, MeshMetric.KMESH_SENT)) {
      Part part = sent.parts().getFirst();
      assertThat(atClient.get(part.quantity(), Direction.OUTBOUND)).isEqualTo(4000);
      assertThat(atClient.get(part.quantity(), Direction.INBOUND)).isEqualTo(7);
      assertThat(part.attribute()).isEqualTo("response_flags");
      assertThat(part.value()).isEqualTo("-");
    }
    assertThat(MeshMetric.ISTIO_FAILED.parts().getFirst().value()).isEqualTo("CONNECT");
  }

  @Test
  void noAttributeOfAMetricIsGivenTwice() {
    for (MeshMetric metric : MeshMetric.values()) {
      assertThat(metric.attributes()).doesNotHaveDuplicates();
      assertThat(metric.attributes()).doesNotContain("response_flags", "source.port");
    }
  }
}
