// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The sums, to the byte and the connection, whatever becomes of the records. */
@RequiresKernel
class SumsIT {
  private static final List<String> SIDES = List.of("outbound", "inbound");
  private static final int PORT = 20_000;

  /** TCP_DELACK_MAX is 200 ms; a busy machine may be late. */
  private static final long AFTER_DELAYED_ACKS_MS = 500;

  private static final String CHURN = "t.churn(60, ENDINGS + (REFUSED, ABORTED))";

  /** These fail at their first repeated SYN. */
  private static final String SLOW_FAILURES = "t.churn(1, (UNREACHABLE, TIMED_OUT), threads=12)";

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
        "tcp dport %d drop".formatted(PORT + 3));
    peer = new TcpPeer(cgroup.entrance(node));
    peer.run("from traffic import *; t = Traffic('127.0.0.1', %d)", PORT);
  }

  @AfterEach
  void end() throws Exception {
    for (AutoCloseable part : new AutoCloseable[] {peer, node, cgroup}) {
      if (part != null) {
        part.close();
      }
    }
  }

  private SidecarProcess run(String... settings) throws Exception {
    List<String> all = new ArrayList<>(List.of(settings));
    all.add("cgroup=" + cgroup.path());
    return SidecarProcess.run(all.toArray(String[]::new));
  }

  private Totals counted(String what, String side) throws Exception {
    return Totals.ofApplication(peer.run("%s", what).path(side));
  }

  /** Waits until the kernel has ended what the applications have, and all that was read. */
  private static void awaitRecords(SidecarProcess sidecar, long count) throws InterruptedException {
    ChildProcess.await(
        count + " records",
        () -> Optional.of(true).filter(x -> sidecar.records(r -> true).size() >= count));
  }

  /** Sums, records and applications agree, also about what is still open. */
  private MetricsPage assertAgreement(SidecarProcess sidecar) throws Exception {
    long ended = 0;
    for (String side : SIDES) {
      ended += counted("t.over()", side).ended();
    }
    awaitRecords(sidecar, ended);
    List<JsonNode> records = sidecar.records(r -> true);
    MetricsPage page = MetricsPage.of(sidecar);
    for (String side : SIDES) {
      Totals over = counted("t.over()", side);
      assertThat(Totals.ofRecords(records, side)).as(side).isEqualTo(over);
      assertThat(Totals.ofSums(page, side))
          .as(side)
          .isEqualTo(over.plus(counted("t.open_now()", side)));
    }
    assertThat(records.stream().map(r -> r.path("id").asText())).doesNotHaveDuplicates();
    return page;
  }

  private static long sum(List<JsonNode> records, String key) {
    return records.stream().mapToLong(record -> record.path(key).asLong()).sum();
  }

  @Test
  void sumsAreTheRecordsAndWhatIsOpenAndNoCounterFallsMeanwhile() throws Exception {
    try (SidecarProcess sidecar = run();
        Scraper scraper = new Scraper(sidecar)) {
      peer.run("t.hold(12)");
      assertAgreement(sidecar);
      // The first four stay idle.
      peer.run("t.pump(1)");
      peer.begin(
          """
          busy = threading.Thread(target=t.pump, args=[60, 4])
          busy.start()
          %s
          %s
          busy.join()
          """,
          CHURN, SLOW_FAILURES);
      peer.value();
      assertAgreement(sidecar);
      peer.run("t.pump(3); t.churn(60)");
      assertAgreement(sidecar);
      peer.run("t.release()");
      MetricsPage page = assertAgreement(sidecar);
      assertThat(scraper.scrapes()).isGreaterThan(10);

      List<JsonNode> records = sidecar.records(r -> true);
      assertThat(page.sum("mesh_tcp_connections_active", Map.of())).isZero();
      assertThat(page.sum("mesh_tcp_packets_total", Map.of()))
          .isEqualTo(sum(records, "packets_sent") + sum(records, "packets_received"));
      assertThat(page.sum("mesh_tcp_retransmits_total", Map.of()))
          .isEqualTo(sum(records, "retransmits"));
      for (String loss : List.of("records_lost", "connections_untracked", "connections_vanished")) {
        assertThat(page.sum("meshlens_" + loss + "_total", Map.of())).as(loss).isZero();
      }
    }
  }

  @Test
  void sumsStayExactAndEveryRecordIsReadOrCountedAsLostWhenTheRingIsFull() throws Exception {
    try (SidecarProcess sidecar = run("kernel.ring_size=4KiB")) {
      peer.run("t.hold(5); t.pump(2); %s", CHURN);
      long ended = 0;
      MetricsPage page = MetricsPage.of(sidecar);
      for (String side : SIDES) {
        Totals over = counted("t.over()", side);
        ended += over.ended();
        assertThat(Totals.ofSums(page, side))
            .as(side)
            .isEqualTo(over.plus(counted("t.open_now()", side)));
      }
      long lost = page.sum("meshlens_records_lost_total", Map.of("cause", "ring_full"));
      assertThat(lost).isPositive();
      awaitRecords(sidecar, ended - lost);
      page = MetricsPage.of(sidecar);
      assertThat(page.sum("meshlens_records_read_total", Map.of())).isEqualTo(ended - lost);
      assertThat(sidecar.records(r -> true)).hasSize((int) (ended - lost));
      assertThat(page.sum("meshlens_records_lost_total", Map.of())).isEqualTo(lost);
    }
  }

  /** The sums without errno, which the overflow series does not have. */
  private static Totals sums(MetricsPage page, String side, Map<String, String> labels) {
    Totals typed = Totals.ofSums(page, side, labels);
    return new Totals(typed.opened(), typed.closed(), Map.of(), typed.sent(), typed.received());
  }

  @Test
  void totalsStayTrueWhenAddressPairsFindNoRow() throws Exception {
    int servers = 5;
    String each = "for t in all: t.hold(2); t.pump(2); t.churn(9, ENDINGS + (REFUSED,))";
    try (SidecarProcess sidecar = run("kernel.max_address_pairs=3")) {
      peer.run("all = [Traffic('127.0.0.1', %d + 10 * i) for i in range(%d)]", PORT + 10, servers);
      peer.run("%s", each);
      MetricsPage page = MetricsPage.of(sidecar);
      Map<String, String> overflow = Map.of("otel_metric_overflow", "true");
      long foldedConnections = 0;
      for (String side : SIDES) {
        Totals all = new Totals(0, 0, Map.of(), 0, 0);
        Totals rows = sums(page, side, overflow);
        long failed = 0;
        for (int i = 0; i < servers; i++) {
          Totals over = counted("all[%d].over()".formatted(i), side);
          Totals own =
              new Totals(over.opened(), over.closed(), Map.of(), over.sent(), over.received())
                  .plus(counted("all[%d].open_now()".formatted(i), side));
          Map<String, String> port =
              Map.of("destination_port", Integer.toString(PORT + 10 + 10 * i));
          Totals row = sums(page, side, port);
          assertThat(row).isIn(own, new Totals(0, 0, Map.of(), 0, 0));
          all = all.plus(own);
          rows = rows.plus(row);
          failed += over.ended() - over.closed();
        }
        assertThat(sums(page, side, Map.of())).as(side).isEqualTo(all);
        assertThat(rows).as(side).isEqualTo(all);
        Map<String, String> reporter =
            Map.of("reporter", side.equals("outbound") ? "source" : "destination");
        assertThat(page.sum("mesh_tcp_connections_failed_total", reporter)).isEqualTo(failed);
        foldedConnections += sums(page, side, overflow).closed();
      }
      assertThat(foldedConnections).isPositive();
      String folded = "meshlens_sums_folded_total";
      assertThat(page.sum(folded, Map.of())).isGreaterThanOrEqualTo(foldedConnections);
      // Once the last delayed acknowledgement is counted, idle connections add nothing more.
      Thread.sleep(AFTER_DELAYED_ACKS_MS);
      MetricsPage settled = MetricsPage.of(sidecar);
      assertThat(MetricsPage.of(sidecar).sum(folded, Map.of()))
          .isEqualTo(settled.sum(folded, Map.of()));
    }
  }
}
