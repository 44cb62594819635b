// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.flow.Address;
import io.meshlens.flow.AddressPair;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Sums;
import io.meshlens.flow.SumsSnapshot;
import io.meshlens.metrics.MetricsSnapshot.Point;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.Test;

final class MetricsSnapshotTest {
  private static final Labels.Ends ENDS = new Labels.Ends(Optional.of("10.0.0.1"), "10.0.0.2", 443);

  private static Address ipv4(int last) {
    return new Address(0, 0x0000_ffff_0a00_0000L | last);
  }

  private static AddressPair pair(int error) {
    return new AddressPair(Direction.OUTBOUND, ipv4(1), ipv4(2), 443, error);
  }

  private static Labels labels() {
    return new Labels(Direction.OUTBOUND, Optional.of(ENDS), Optional.empty(), Optional.empty());
  }

  private static Sums failures(long failed, long packetsSent) {
    return new Sums(0, 0, failed, 0, 0, packetsSent, 0, 0);
  }

  @Test
  void sumsOfUdpAreBytesAndDatagramsOfTheirOwnMetrics() {
    Sums row = new Sums(0, 0, 0, 101, 103, 13, 17, 0);
    SumsSnapshot udp = new SumsSnapshot(Map.of(pair(0), row), Map.of(Direction.OUTBOUND, row));
    MetricsSnapshot snapshot = MetricsSnapshot.of(SumsSnapshot.EMPTY.withUdp(udp));

    Labels overflow =
        new Labels(Direction.OUTBOUND, Optional.empty(), Optional.empty(), Optional.empty());
    assertThat(snapshot.points(MeshMetric.IO)).isEmpty();
    assertThat(snapshot.points(MeshMetric.UDP_IO))
        .containsExactlyInAnyOrder(
            new Point(labels().withIoDirection("transmit"), 101),
            new Point(labels().withIoDirection("receive"), 103),
            new Point(overflow.withIoDirection("transmit"), 101),
            new Point(overflow.withIoDirection("receive"), 103));
    assertThat(snapshot.points(MeshMetric.UDP_PACKETS))
        .containsExactlyInAnyOrder(
            new Point(labels().withIoDirection("transmit"), 13),
            new Point(labels().withIoDirection("receive"), 17),
            new Point(overflow.withIoDirection("transmit"), 13),
            new Point(overflow.withIoDirection("receive"), 17));
  }

  @Test
  void everySumIsOneSeries() {
    MetricsSnapshot snapshot =
        MetricsSnapshot.of(
            new SumsSnapshot(Map.of(pair(0), new Sums(11, 7, 0, 101, 103, 13, 17, 3)), Map.of()));

    assertThat(snapshot.points(MeshMetric.CONNECTIONS_OPENED))
        .containsExactly(new Point(labels(), 11));
    assertThat(snapshot.points(MeshMetric.CONNECTIONS_CLOSED))
        .containsExactly(new Point(labels(), 7));
    assertThat(snapshot.points(MeshMetric.CONNECTIONS_ACTIVE))
        .containsExactly(new Point(labels(), 4));
    assertThat(snapshot.points(MeshMetric.CONNECTIONS_FAILED)).isEmpty();
    assertThat(snapshot.points(MeshMetric.IO))
        .containsExactlyInAnyOrder(
            new Point(labels().withIoDirection("transmit"), 101),
            new Point(labels().withIoDirection("receive"), 103));
    assertThat(snapshot.points(MeshMetric.PACKETS))
        .containsExactlyInAnyOrder(
            new Point(labels().withIoDirection("transmit"), 13),
            new Point(labels().withIoDirection("receive"), 17));
    assertThat(snapshot.points(MeshMetric.RETRANSMITS)).containsExactly(new Point(labels(), 3));
  }

  @Test
  void failuresAreToldApartByErrno() {
    MetricsSnapshot snapshot =
        MetricsSnapshot.of(
            new SumsSnapshot(
                Map.of(
                    pair(111), failures(5, 0), pair(110), failures(3, 0), pair(0), failures(2, 0)),
                Map.of()));

    assertThat(snapshot.points(MeshMetric.CONNECTIONS_FAILED))
        .containsExactlyInAnyOrder(
            new Point(labels().withErrorType("ECONNREFUSED"), 5),
            new Point(labels().withErrorType("ETIMEDOUT"), 3),
            new Point(labels().withErrorType("aborted"), 2));
  }

  @Test
  void rowsThatDifferOnlyInErrorShareTheirOtherSeries() {
    MetricsSnapshot snapshot =
        MetricsSnapshot.of(
            new SumsSnapshot(
                Map.of(pair(111), failures(5, 5), pair(0), new Sums(2, 1, 0, 0, 0, 7, 0, 0)),
                Map.of()));

    assertThat(snapshot.points(MeshMetric.PACKETS))
        .containsExactlyInAnyOrder(
            new Point(labels().withIoDirection("transmit"), 12),
            new Point(labels().withIoDirection("receive"), 0));
  }

  @Test
  void overflowIsASeriesWithoutEnds() {
    MetricsSnapshot snapshot =
        MetricsSnapshot.of(
            new SumsSnapshot(
                Map.of(), Map.of(Direction.INBOUND, new Sums(9, 8, 4, 0, 0, 0, 0, 0))));

    Labels overflow =
        new Labels(Direction.INBOUND, Optional.empty(), Optional.empty(), Optional.empty());
    assertThat(snapshot.points(MeshMetric.CONNECTIONS_OPENED))
        .containsExactly(new Point(overflow, 9));
    assertThat(snapshot.points(MeshMetric.CONNECTIONS_FAILED))
        .containsExactly(new Point(overflow, 4));
  }

  @Test
  void activeConnectionsAreNeverLessThanNone() {
    MetricsSnapshot snapshot =
        MetricsSnapshot.of(
            new SumsSnapshot(Map.of(pair(0), new Sums(3, 5, 0, 0, 0, 0, 0, 0)), Map.of()));

    assertThat(snapshot.points(MeshMetric.CONNECTIONS_ACTIVE))
        .containsExactly(new Point(labels(), 0));
  }

  @Test
  void nothingSummedIsNoSeries() {
    MetricsSnapshot snapshot = MetricsSnapshot.of(SumsSnapshot.EMPTY);

    for (MeshMetric metric : MeshMetric.values()) {
      assertThat(snapshot.points(metric)).isEmpty();
    }
  }

  private static Sums random(Random random) {
    long opened = random.nextInt(1000);
    return new Sums(
        opened,
        opened == 0 ? 0 : random.nextInt((int) opened),
        random.nextInt(50),
        random.nextInt(1_000_000),
        random.nextInt(1_000_000),
        random.nextInt(1000),
        random.nextInt(1000),
        random.nextInt(10));
  }

  private static SumsSnapshot randomSums() {
    Random random = new Random(8);
    Map<AddressPair, Sums> rows = new HashMap<>();
    int[] errors = {0, 110, 111, 113, 999};
    for (int i = 0; i < 2_000; i++) {
      rows.put(
          new AddressPair(
              Direction.values()[random.nextInt(2)],
              ipv4(random.nextInt(8)),
              ipv4(random.nextInt(8)),
              random.nextInt(4),
              errors[random.nextInt(errors.length)]),
          random(random));
    }
    return new SumsSnapshot(
        rows, Map.of(Direction.OUTBOUND, random(random), Direction.INBOUND, random(random)));
  }

  private static long total(SumsSnapshot sums, ToLongFunction<Sums> field) {
    return sums.byPair().values().stream().mapToLong(field).sum()
        + sums.overflow().values().stream().mapToLong(field).sum();
  }

  private static long total(MetricsSnapshot snapshot, MeshMetric metric) {
    return snapshot.points(metric).stream().mapToLong(Point::value).sum();
  }

  @Test
  void totalsOverTheSeriesAreTheTotalsOverTheSums() {
    SumsSnapshot sums = randomSums();

    MetricsSnapshot snapshot = MetricsSnapshot.of(sums);

    assertThat(total(snapshot, MeshMetric.CONNECTIONS_OPENED))
        .isEqualTo(total(sums, Sums::connectionsOpened));
    assertThat(total(snapshot, MeshMetric.CONNECTIONS_CLOSED))
        .isEqualTo(total(sums, Sums::connectionsClosed));
    assertThat(total(snapshot, MeshMetric.CONNECTIONS_FAILED))
        .isEqualTo(total(sums, Sums::connectionsFailed));
    assertThat(total(snapshot, MeshMetric.IO))
        .isEqualTo(total(sums, Sums::bytesSent) + total(sums, Sums::bytesReceived));
    assertThat(total(snapshot, MeshMetric.PACKETS))
        .isEqualTo(total(sums, Sums::packetsSent) + total(sums, Sums::packetsReceived));
    assertThat(total(snapshot, MeshMetric.RETRANSMITS)).isEqualTo(total(sums, Sums::retransmits));
  }

  @Test
  void noTwoPointsOfAMetricHaveTheSameLabels() {
    MetricsSnapshot snapshot = MetricsSnapshot.of(randomSums().withUdp(randomSums()));

    for (MeshMetric metric : MeshMetric.values()) {
      assertThat(snapshot.points(metric)).isNotEmpty();
      assertThat(snapshot.points(metric).stream().map(Point::labels)).doesNotHaveDuplicates();
    }
  }

  @Test
  void closedConnectionIsCountedEvenWhenItsOpeningWasNotReadYet() {
    MetricsSnapshot snapshot =
        MetricsSnapshot.of(
            new SumsSnapshot(Map.of(pair(0), new Sums(0, 1, 0, 0, 0, 0, 0, 0)), Map.of()));

    assertThat(total(snapshot, MeshMetric.CONNECTIONS_CLOSED)).isEqualTo(1);
  }
}
