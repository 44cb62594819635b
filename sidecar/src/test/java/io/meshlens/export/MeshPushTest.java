// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.export.Answer.Accepted;
import io.meshlens.export.Answer.Cause;
import io.meshlens.export.Answer.Failed;
import io.meshlens.export.OtlpConfig.Temporality;
import io.meshlens.flow.Errno;
import io.meshlens.flow.Identities;
import io.meshlens.flow.Sum;
import io.meshlens.metrics.KernelSums.Pair;
import io.meshlens.metrics.MeshMetrics;
import io.meshlens.metrics.Profile;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.sdk.metrics.data.AggregationTemporality;
import io.opentelemetry.sdk.metrics.data.ExponentialHistogramPointData;
import io.opentelemetry.sdk.metrics.data.LongPointData;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.resources.Resource;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class MeshPushTest {
  private static final AttributeKey<String> IO_DIRECTION =
      AttributeKey.stringKey("network.io.direction");

  /** What a receiver gets: refused with the others held up, or taken. */
  private static final class Receiver implements MeshPush.Sender {
    private final List<Collection<MetricData>> taken = new ArrayList<>();
    private final List<Integer> refused = new ArrayList<>();
    private Cause cause = Cause.UNAVAILABLE;
    private int mostSeries = Integer.MAX_VALUE;
    private int requests;

    @Override
    public Optional<Answer> send(Collection<MetricData> metrics, boolean canBeHalved) {
      if (canBeHalved && points(metrics, "mesh.tcp.connections.opened").size() > mostSeries) {
        return Optional.empty();
      }
      if (refused.contains(requests++)) {
        return Optional.of(new Failed(cause, "not now"));
      }
      taken.add(metrics);
      return Optional.of(new Accepted(0, ""));
    }

    private static List<LongPointData> points(Collection<MetricData> metrics, String name) {
      return metrics.stream()
          .filter(m -> m.getName().equals(name))
          .flatMap(m -> m.getLongSumData().getPoints().stream())
          .toList();
    }

    void refuseNext() {
      refused.add(requests);
    }

    List<MetricData> all(String name) {
      return taken.stream()
          .flatMap(Collection::stream)
          .filter(m -> m.getName().equals(name))
          .toList();
    }

    List<LongPointData> points(String name) {
      return all(name).stream().flatMap(m -> m.getLongSumData().getPoints().stream()).toList();
    }

    long sum(String name) {
      return points(name).stream().mapToLong(LongPointData::getValue).sum();
    }
  }

  private final MeshFixture fixture = new MeshFixture();
  private final Receiver receiver = new Receiver();
  private final MeshMetrics mesh = fixture.mesh(Profile.OTEL, Identities.NONE);

  private MeshPush push(Temporality temporality) {
    return new MeshPush(mesh, Resource.empty(), config(temporality));
  }

  private static OtlpConfig config(Temporality temporality) {
    return new OtlpConfig(
        new OtlpReceiver(
            URI.create("http://localhost:4317"),
            OtlpReceiver.Protocol.GRPC,
            Duration.ofSeconds(10),
            OtlpReceiver.Compression.NONE,
            List.of(),
            TlsFiles.NONE),
        Duration.ofSeconds(10),
        Duration.ofSeconds(10),
        temporality,
        OtlpConfig.Histograms.EXPONENTIAL);
  }

  /** Whether all was taken. */
  private boolean succeeds(MeshPush push) throws InterruptedException {
    fixture.pass(10);
    mesh.account();
    return push.push(receiver).isEmpty();
  }

  @Test
  void cumulativePointsCarryExactIntegersFromTheStartOfTheirSeries() throws InterruptedException {
    MeshPush push = push(Temporality.CUMULATIVE);
    long beyondDoubles = (1L << 53) + 1;
    fixture.kernel.open(Pair.outbound(1, 2), beyondDoubles, 5);
    fixture.kernel.add(
        Pair.outbound(1, 2).failedWith(Errno.ECONNREFUSED), Sum.CONNECTIONS_FAILED, 3);
    assertThat(succeeds(push)).isTrue();

    assertThat(receiver.points("mesh.tcp.io"))
        .extracting(LongPointData::getValue)
        .containsExactlyInAnyOrder(beyondDoubles, 5L);
    LongPointData sent = receiver.points("mesh.tcp.io").getFirst();
    assertThat(sent.getStartEpochNanos())
        .isEqualTo(MeshFixture.SINCE.getEpochSecond() * 1_000_000_000L);
    assertThat(sent.getEpochNanos()).isEqualTo(fixture.now.getEpochSecond() * 1_000_000_000L);
    assertThat(sent.getAttributes().get(IO_DIRECTION)).isEqualTo("transmit");
    assertThat(sent.getAttributes().get(AttributeKey.longKey("destination.port"))).isEqualTo(443);
    assertThat(receiver.points("mesh.tcp.connections.failed").getFirst().getAttributes())
        .isEqualTo(
            Attributes.builder()
                .put("reporter", "source")
                .put("network.transport", "tcp")
                .put("source.address", "10.0.0.1")
                .put("destination.address", "10.0.0.2")
                .put("destination.port", 443)
                .put("error.type", "ECONNREFUSED")
                .build());
    MetricData active = receiver.all("mesh.tcp.connections.active").getFirst();
    assertThat(active.getLongSumData().isMonotonic()).isFalse();
    assertThat(receiver.sum("mesh.tcp.connections.active")).isEqualTo(1);
  }

  @Test
  void deltasOfRefusedPushesAreInTheNextAndNothingIsLostOrSentTwice() throws InterruptedException {
    MeshPush push = push(Temporality.DELTA);
    Random random = new Random(4);
    for (int round = 0; round < 200; round++) {
      Pair key = Pair.outbound(random.nextInt(3), 10 + random.nextInt(3));
      fixture.kernel.open(key, random.nextInt(1 << 20), random.nextInt(100));
      fixture.kernel.add(
          key.failedWith(110 + random.nextInt(2)), Sum.CONNECTIONS_FAILED, random.nextInt(3));
      if (random.nextBoolean()) {
        receiver.refuseNext();
        assertThat(succeeds(push)).isFalse();
      } else {
        assertThat(succeeds(push)).isTrue();
      }
    }
    succeeds(push);
    succeeds(push);

    assertThat(receiver.sum("mesh.tcp.io"))
        .isEqualTo(fixture.kernel.total(Sum.BYTES_SENT) + fixture.kernel.total(Sum.BYTES_RECEIVED));
    assertThat(receiver.sum("mesh.tcp.connections.failed"))
        .isEqualTo(fixture.kernel.total(Sum.CONNECTIONS_FAILED));
    assertThat(receiver.all("mesh.tcp.io"))
        .allMatch(
            m -> m.getLongSumData().getAggregationTemporality() == AggregationTemporality.DELTA);
    assertThat(receiver.all("mesh.tcp.connections.active"))
        .allMatch(
            m ->
                m.getLongSumData().getAggregationTemporality()
                    == AggregationTemporality.CUMULATIVE);
  }

  @Test
  void deltasFollowEachOtherWithoutGapOrOverlap() throws InterruptedException {
    MeshPush push = push(Temporality.DELTA);
    Pair key = Pair.outbound(1, 2);
    for (int i = 0; i < 6; i++) {
      fixture.kernel.add(key, Sum.BYTES_SENT, 10);
      if (i == 3) {
        receiver.refuseNext();
      }
      succeeds(push);
    }

    List<LongPointData> points = receiver.points("mesh.tcp.io");
    assertThat(points).extracting(LongPointData::getValue).containsExactly(10L, 10L, 10L, 20L, 10L);
    for (int i = 1; i < points.size(); i++) {
      assertThat(points.get(i).getStartEpochNanos()).isEqualTo(points.get(i - 1).getEpochNanos());
    }
  }

  @Test
  void requestsAreBounded() throws InterruptedException {
    MeshPush push = push(Temporality.DELTA);
    for (int i = 0; i < 1_700; i++) {
      fixture.kernel.open(Pair.outbound(i, 5_000), 1, 1);
    }
    assertThat(succeeds(push)).isTrue();

    assertThat(receiver.taken)
        .hasSize(4)
        .allMatch(
            request ->
                request.stream().mapToInt(m -> m.getLongSumData().getPoints().size()).sum()
                    <= 4_000);
    assertThat(receiver.sum("mesh.tcp.connections.opened")).isEqualTo(1_700);
  }

  @Test
  void whatIsTooLargeIsSentInHalvesAndNothingTwice() throws InterruptedException {
    MeshPush push = push(Temporality.DELTA);
    for (int i = 0; i < 700; i++) {
      fixture.kernel.open(Pair.outbound(i, 5_000), 1, 1);
    }
    receiver.mostSeries = 130;
    receiver.refused.add(2);
    assertThat(succeeds(push)).isFalse();
    assertThat(succeeds(push)).isTrue();
    assertThat(succeeds(push)).isTrue();

    assertThat(receiver.taken)
        .allMatch(r -> Receiver.points(r, "mesh.tcp.connections.opened").size() <= 130);
    assertThat(receiver.sum("mesh.tcp.connections.opened")).isEqualTo(700);
  }

  @Test
  void aPushThatWasCutShortGoesOnWhereItWas() throws InterruptedException {
    MeshPush push = push(Temporality.DELTA);
    for (int i = 0; i < 1_700; i++) {
      fixture.kernel.open(Pair.outbound(i, 5_000), 1, 1);
    }
    receiver.refused.add(1);
    assertThat(succeeds(push)).isFalse();
    assertThat(receiver.taken).hasSize(1);
    receiver.refused.add(3);
    assertThat(succeeds(push)).isFalse();
    assertThat(receiver.sum("mesh.tcp.connections.opened")).isEqualTo(1_000);

    assertThat(succeeds(push)).isTrue();
    assertThat(receiver.sum("mesh.tcp.connections.opened")).isEqualTo(1_700);
  }

  @Test
  void aRequestThatIsNeverTakenDoesNotKeepBackTheOthers() throws InterruptedException {
    MeshPush push = push(Temporality.DELTA);
    for (int i = 0; i < 1_700; i++) {
      fixture.kernel.open(Pair.outbound(i, 5_000), 1, 1);
    }
    receiver.cause = Cause.REFUSED;
    receiver.refused.add(1);
    assertThat(succeeds(push)).isFalse();
    assertThat(receiver.sum("mesh.tcp.connections.opened")).isEqualTo(1_200);

    assertThat(succeeds(push)).isTrue();
    assertThat(receiver.sum("mesh.tcp.connections.opened")).isEqualTo(1_700);
  }

  @Test
  void udpIsPushedUnderItsOwnNamesWithoutAPortThatNobodyChose() throws InterruptedException {
    MeshPush push = push(Temporality.CUMULATIVE);
    fixture.kernel.open(Pair.outbound(1, 2), 10, 20);
    fixture.kernel.add(Pair.outbound(1, 2).overUdp(53), Sum.BYTES_SENT, 7);
    fixture.kernel.add(Pair.outbound(1, 2).overUdp(0), Sum.PACKETS_RECEIVED, 3);
    assertThat(succeeds(push)).isTrue();

    assertThat(receiver.sum("mesh.tcp.io")).isEqualTo(30);
    LongPointData bytes = receiver.points("mesh.udp.io").getFirst();
    assertThat(bytes.getValue()).isEqualTo(7);
    assertThat(bytes.getAttributes())
        .isEqualTo(
            Attributes.builder()
                .put("reporter", "source")
                .put("network.transport", "udp")
                .put("source.address", "10.0.0.1")
                .put("destination.address", "10.0.0.2")
                .put("destination.port", 53)
                .put("network.io.direction", "transmit")
                .build());
    assertThat(
            receiver.points("mesh.udp.packets").stream()
                .filter(point -> point.getValue() != 0)
                .toList())
        .singleElement()
        .satisfies(
            packets -> {
              assertThat(packets.getValue()).isEqualTo(3);
              assertThat(packets.getAttributes().get(AttributeKey.longKey("destination.port")))
                  .isNull();
            });
  }

  @Test
  void profilesWithoutWordsForUdpLeaveItOut() throws InterruptedException {
    MeshMetrics istio = fixture.mesh(Profile.ISTIO, Identities.NONE);
    fixture.kernel.open(Pair.outbound(1, 2), 10, 20);
    fixture.kernel.add(Pair.outbound(1, 2).overUdp(443), Sum.BYTES_SENT, 7);
    istio.account();
    assertThat(new MeshPush(istio, Resource.empty(), config(Temporality.DELTA)).push(receiver))
        .isEmpty();

    assertThat(receiver.sum("istio_tcp_received_bytes_total")).isEqualTo(10);
    assertThat(receiver.sum("istio_tcp_sent_bytes_total")).isEqualTo(20);
  }

  @Test
  void histogramsAreExponentialAndTheirDeltasExact() throws InterruptedException {
    MeshPush push = push(Temporality.LOWMEMORY);
    mesh.durations().accept(fixture.closed(1, 2, 5));
    succeeds(push);
    mesh.durations().accept(fixture.closed(1, 2, 70_000));
    receiver.refuseNext();
    succeeds(push);
    mesh.durations().accept(fixture.closed(1, 2, 5));
    succeeds(push);

    List<ExponentialHistogramPointData> points =
        receiver.all("mesh.tcp.connection.duration").stream()
            .flatMap(m -> m.getExponentialHistogramData().getPoints().stream())
            .toList();
    assertThat(points).extracting(ExponentialHistogramPointData::getCount).containsExactly(1L, 2L);
    assertThat(points)
        .extracting(ExponentialHistogramPointData::getSum)
        .containsExactly(0.005, 70.005);
    assertThat(points.getLast().getPositiveBuckets().getTotalCount()).isEqualTo(2);
    assertThat(points.getLast().hasMin()).isFalse();
    assertThat(points.getFirst().getMin()).isEqualTo(0.005);
    assertThat(points.getLast().getStartEpochNanos()).isEqualTo(points.getFirst().getEpochNanos());
  }

  @Test
  void nothingToTellIsNoRequest() throws InterruptedException {
    assertThat(succeeds(push(Temporality.DELTA))).isTrue();
    assertThat(receiver.requests).isZero();
  }
}
