// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.it.PrometheusServer.Sample;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What Istio's dashboards and Kiali show of traffic that this test makes: a real Prometheus
 * evaluates their expressions. Much more flows to the clients than to the servers, so that a
 * direction taken for the other would show.
 */
@RequiresKernel
class IstioProfileIT {
  private static final int PORT = 21_000;
  private static final int CONNECTIONS = 7;
  private static final int ASKED = 1_000;
  private static final int ANSWERED = 90_000;

  /** The kind of ending and the lengths come first, see traffic.py. */
  private static final long TO_SERVER = CONNECTIONS * (1L + 8 + ASKED);

  private static final long TO_CLIENT = CONNECTIONS * (long) ANSWERED;
  private static final int REFUSED = 5;

  @TempDir Path directory;
  private TestCgroup cgroup;
  private NetworkNamespace node;
  private TcpPeer peer;

  @BeforeEach
  void startPeer() throws Exception {
    cgroup = new TestCgroup();
    node = new NetworkNamespace();
    peer = new TcpPeer(cgroup.entrance(node));
    peer.run(
        """
        from traffic import *
        pay = Traffic('127.0.1.2', %d, '127.0.1.1')
        shop = Traffic('127.0.1.1', %d, '127.0.1.3')
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

  private SidecarProcess sidecar(List<String> names, String... settings) throws Exception {
    List<String> all = new java.util.ArrayList<>(List.of(settings));
    all.add("cgroup=" + cgroup.path());
    all.add("metrics.profile=istio");
    all.add("kernel.pin_path=off");
    return SidecarProcess.runNamed(names, all.toArray(String[]::new));
  }

  private PrometheusServer prometheus(SidecarProcess sidecar) throws Exception {
    return new PrometheusServer(directory, sidecar.telemetryAddress());
  }

  private void traffic() throws Exception {
    peer.run(
        """
        for _ in range(%d): pay.one(CLIENT_CLOSES, %d, %d)
        for _ in range(%d): pay.one_failure(REFUSED)
        shop.one(SERVER_CLOSES, 33, 44)
        pay.settle(); shop.settle()
        """,
        CONNECTIONS, ASKED, ANSWERED, REFUSED);
  }

  @Test
  void dashboardsAndKialiShowWhatTheApplicationsCounted() throws Exception {
    try (SidecarProcess sidecar =
            sidecar(
                List.of(
                    "127.0.1.1=shop/checkout", "127.0.1.2=pay/payments", "127.0.1.3=shop/web"));
        PrometheusServer prometheus = prometheus(sidecar)) {
      // A series that exists before: a rate needs two samples.
      peer.run("pay.one(CLIENT_CLOSES, 0, 1); shop.one(CLIENT_CLOSES, 0, 1)");
      String sent = "istio_tcp_sent_bytes_total{reporter=~\"source|waypoint\", %s}";
      prometheus.await("sum(" + sent.formatted("") + ")", 2);
      traffic();
      String payments = "destination_service=~\"payments.pay.svc.cluster.local\"";
      prometheus.await("sum(" + sent.formatted(payments) + ")", TO_CLIENT + 1);

      assertServiceDashboard(prometheus, payments);
      assertWorkloadDashboard(prometheus);
      assertKiali(prometheus);
      assertReportersAgree(prometheus);
      prometheus.await(
          "sum(istio_tcp_connections_failed_total{reporter=\"source\",response_flags=\"CONNECT\","
              + "source_workload=\"checkout\",destination_workload=\"payments\"})",
          REFUSED);
    }
  }

  /** Total bytes are exact; a rate over a minute is what Prometheus makes of them. */
  private static void assertTotal(
      PrometheusServer prometheus, String selector, String by, Map<String, String> group, long all)
      throws InterruptedException {
    prometheus.await("sum(%s) by (%s) == %d".formatted(selector, by, all), all);
    List<Sample> rates = prometheus.query("sum(rate(%s[60s])) by (%s) > 0".formatted(selector, by));
    assertThat(rates).as(selector).hasSize(1);
    assertThat(rates.getFirst().labels()).containsAllEntriesOf(group);
    assertThat(rates.getFirst().value() * 60)
        .isCloseTo((double) all, Percentage.withPercentage(40));
  }

  private static void assertServiceDashboard(PrometheusServer prometheus, String payments)
      throws InterruptedException {
    String where =
        "reporter=~\"source|waypoint\", connection_security_policy!=\"mutual_tls\", %s,"
            + "source_workload=~\"checkout\", source_workload_namespace=~\"shop\"";
    String by = "source_workload, source_workload_namespace";
    Map<String, String> group =
        Map.of("source_workload", "checkout", "source_workload_namespace", "shop");
    assertTotal(
        prometheus,
        "istio_tcp_received_bytes_total{" + where.formatted(payments) + "}",
        by,
        group,
        TO_SERVER + 9);
    assertTotal(
        prometheus,
        "istio_tcp_sent_bytes_total{" + where.formatted(payments) + "}",
        by,
        group,
        TO_CLIENT + 1);
    List<Sample> now =
        prometheus.query(
            "sum(irate(istio_tcp_received_bytes_total{reporter=~\"source|waypoint\", %s}[1m]))"
                .formatted(payments));
    assertThat(now).hasSize(1);
  }

  private static void assertWorkloadDashboard(PrometheusServer prometheus)
      throws InterruptedException {
    String inbound =
        "{reporter=\"destination\", connection_security_policy!=\"mutual_tls\","
            + "destination_workload_namespace=~\"pay\", destination_workload=~\"payments\"}";
    String by = "source_workload, source_workload_namespace";
    Map<String, String> from = Map.of("source_workload", "checkout");
    assertTotal(prometheus, "istio_tcp_received_bytes_total" + inbound, by, from, TO_SERVER + 9);
    assertTotal(prometheus, "istio_tcp_sent_bytes_total" + inbound, by, from, TO_CLIENT + 1);
    String outbound =
        "{connection_security_policy!=\"mutual_tls\", reporter=~\"source|waypoint\","
            + "source_workload_namespace=~\"shop\", source_workload=~\"checkout\"}";
    assertTotal(
        prometheus,
        "istio_tcp_sent_bytes_total" + outbound,
        "destination_service",
        Map.of("destination_service", "payments.pay.svc.cluster.local"),
        TO_CLIENT + 1);
  }

  private static void assertKiali(PrometheusServer prometheus) throws InterruptedException {
    String by =
        "source_cluster,source_workload_namespace,source_workload,source_canonical_service,"
            + "source_canonical_revision,destination_cluster,destination_service_namespace,"
            + "destination_service,destination_service_name,destination_workload_namespace,"
            + "destination_workload,destination_canonical_service,destination_canonical_revision,"
            + "response_flags";
    Map<String, String> edge =
        Map.ofEntries(
            Map.entry("source_cluster", "east"),
            Map.entry("source_workload_namespace", "shop"),
            Map.entry("source_workload", "checkout"),
            Map.entry("source_canonical_service", "checkout"),
            Map.entry("source_canonical_revision", "v1"),
            Map.entry("destination_cluster", "east"),
            Map.entry("destination_service_namespace", "pay"),
            Map.entry("destination_service", "payments.pay.svc.cluster.local"),
            Map.entry("destination_service_name", "payments"),
            Map.entry("destination_workload_namespace", "pay"),
            Map.entry("destination_workload", "payments"),
            Map.entry("destination_canonical_service", "payments"),
            Map.entry("destination_canonical_revision", "v1"),
            Map.entry("response_flags", "-"));
    String where =
        "{reporter=~\"source|waypoint\",source_workload_namespace!=\"pay\","
            + "destination_service_namespace=\"pay\"}";
    assertTotal(prometheus, "istio_tcp_sent_bytes_total" + where, by, edge, TO_CLIENT + 1);
    assertTotal(prometheus, "istio_tcp_received_bytes_total" + where, by, edge, TO_SERVER + 9);
  }

  private static void assertReportersAgree(PrometheusServer prometheus)
      throws InterruptedException {
    for (String metric :
        List.of(
            "istio_tcp_sent_bytes_total",
            "istio_tcp_received_bytes_total",
            "istio_tcp_connections_opened_total",
            "istio_tcp_connections_closed_total")) {
      prometheus.await(
          "sum(%s{reporter=\"source\"}) - sum(%s{reporter=\"destination\"})"
              .formatted(metric, metric),
          0);
    }
    prometheus.await(
        "sum(istio_tcp_connections_opened_total{reporter=\"source\"})", CONNECTIONS + 3);
  }

  @Test
  void namesThatNobodyWouldChooseAreReadByPrometheus() throws Exception {
    String odd = "a\"b\\c\nd\u0001e" + NamedSidecar.HALF_A_PAIR + "ü";
    try (SidecarProcess sidecar =
            sidecar(List.of("127.0.1.1=shop/" + odd, "127.0.1.2=pay/" + "x".repeat(10_240)));
        PrometheusServer prometheus = prometheus(sidecar)) {
      traffic();
      prometheus.await(
          "sum(istio_tcp_sent_bytes_total{reporter=\"source\","
              + "source_workload_namespace=\"shop\"})",
          TO_CLIENT);
      List<Sample> samples =
          prometheus.query(
              "istio_tcp_sent_bytes_total{reporter=\"source\",source_workload_namespace=\"shop\"}");
      assertThat(samples).hasSize(1);
      assertThat(samples.getFirst().labels())
          .containsEntry("source_workload", "a\"b\\c\nd�e�ü")
          .containsEntry("destination_workload", "x".repeat(1_024));
      prometheus.await(
          "sum(meshlens_label_values_changed_total{cause=\"not_text\"}) > 0",
          count(sidecar, "not_text"));
      assertThat(count(sidecar, "too_long")).isPositive();
    }
  }

  private static long count(SidecarProcess sidecar, String cause) throws InterruptedException {
    return sidecar.metric("meshlens_label_values_changed_total", Map.of("cause", cause));
  }
}
