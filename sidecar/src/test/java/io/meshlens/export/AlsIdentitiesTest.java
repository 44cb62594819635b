// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Struct;
import io.envoyproxy.envoy.data.accesslog.v3.AccessLogCommon;
import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.flow.Connection;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Identity;
import org.junit.jupiter.api.Test;

/** Who client and server are, in the parts of an entry. */
final class AlsIdentitiesTest {
  private final AlsEntries entries = AlsEntries.of(new ConnectionIds("1f0c2a9b"));

  private static Connection reportedBy(Direction direction) {
    Connection c = new Connection();
    c.direction = direction;
    c.localPort = direction == Direction.OUTBOUND ? 40_001 : 443;
    c.remotePort = direction == Direction.OUTBOUND ? 443 : 40_001;
    return c;
  }

  private AccessLogCommon common(Connection c) {
    return entries.entry(c).getCommonProperties();
  }

  private Struct metadata(Connection c) {
    return common(c).getMetadata().getFilterMetadataOrThrow("meshlens");
  }

  private static final Identity CHECKOUT =
      Identity.builder()
          .cluster("north")
          .network("net-1")
          .node("node-7")
          .namespace("shop")
          .workload("checkout", "Deployment")
          .pod("checkout-5d4f-x")
          .container("app")
          .app("checkout")
          .version("v2")
          .serviceAccount("checkout", "cluster.local")
          .source("kubernetes")
          .build();
  private static final Identity PAYMENTS =
      Identity.builder()
          .namespace("pay")
          .workload("payments", "StatefulSet")
          .service("payments", "pay", "payments.pay.svc.cluster.local")
          .source("kubernetes")
          .build();

  @Test
  void identitiesAreTagsByTheNamesOfIstiosLabels() {
    Connection c = reportedBy(Direction.OUTBOUND);
    c.source = CHECKOUT;
    c.destination = PAYMENTS;

    assertThat(common(c).getCustomTagsMap())
        .containsEntry("source_workload", "checkout")
        .containsEntry("source_workload_namespace", "shop")
        .containsEntry("source_canonical_service", "checkout")
        .containsEntry("source_canonical_revision", "v2")
        .containsEntry("source_cluster", "north")
        .containsEntry("destination_workload", "payments")
        .containsEntry("destination_workload_namespace", "pay")
        .containsEntry("destination_service", "payments.pay.svc.cluster.local")
        .containsEntry("destination_service_name", "payments")
        .containsEntry("destination_service_namespace", "pay")
        .doesNotContainKeys("destination_cluster", "destination_canonical_service");
  }

  @Test
  void identitiesAreTypedInTheMetadata() {
    Connection c = reportedBy(Direction.OUTBOUND);
    c.source = CHECKOUT;
    c.destination = PAYMENTS;

    Struct source = metadata(c).getFieldsOrThrow("source").getStructValue();
    assertThat(source.getFieldsMap()).hasSize(13);
    assertThat(source.getFieldsOrThrow("pod").getStringValue()).isEqualTo("checkout-5d4f-x");
    assertThat(source.getFieldsOrThrow("identity_source").getStringValue()).isEqualTo("kubernetes");
    assertThat(metadata(c).getFieldsOrThrow("destination").getStructValue().getFieldsMap().keySet())
        .containsExactly(
            "namespace",
            "workload",
            "workload_kind",
            "service",
            "service_namespace",
            "service_host",
            "identity_source");
  }

  @Test
  void upstreamClusterIsNamedAsIstioDoes() {
    Connection out = reportedBy(Direction.OUTBOUND);
    out.destination = PAYMENTS;
    out.dialledLow = 0xffff_0a60_0001L;
    out.dialledPortOrZero = 80;
    Connection unknown = reportedBy(Direction.OUTBOUND);

    assertThat(common(out).getUpstreamCluster())
        .isEqualTo("outbound|80||payments.pay.svc.cluster.local");
    assertThat(common(unknown).getUpstreamCluster()).isEmpty();
    assertThat(common(reportedBy(Direction.INBOUND)).getUpstreamCluster())
        .isEqualTo("inbound|443||");
  }

  @Test
  void moreIdentitiesThanAreRememberedAreStillRight() {
    Connection c = reportedBy(Direction.OUTBOUND);
    for (int i = 0; i < 5_000; i++) {
      c.source = Identity.builder().workload("w" + i, "Deployment").source("test").build();
      assertThat(common(c).getCustomTagsOrThrow("source_workload")).isEqualTo("w" + i);
    }
  }

  @Test
  void textOfAnyLengthFits() {
    Connection c = reportedBy(Direction.OUTBOUND);
    String name = "\u00e4".repeat(40_000);
    c.source = Identity.builder().workload(name, "Deployment").source("test").build();

    assertThat(common(c).getCustomTagsOrThrow("source_workload")).isEqualTo(name);
    assertThat(
            metadata(c)
                .getFieldsOrThrow("source")
                .getStructValue()
                .getFieldsOrThrow("workload")
                .getStringValue())
        .isEqualTo(name);
  }
}
