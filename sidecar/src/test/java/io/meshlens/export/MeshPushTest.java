// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;
import static org.assertj.core.api.Assertions.tuple;

import com.google.protobuf.InvalidProtocolBufferException;
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
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.metrics.v1.AggregationTemporality;
import io.opentelemetry.proto.metrics.v1.ExponentialHistogramDataPoint;
import io.opentelemetry.proto.metrics.v1.Metric;
import io.opentelemetry.proto.metrics.v1.NumberDataPoint;
import io.opentelemetry.sdk.resources.Resource;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class MeshPushTest {
  /** What a receiver gets: refused with the others held up, or taken. */
  private static final class Receiver implements MeshPush.Sender {
    private final List<ExportMetricsServiceRequest> taken = new ArrayList<>();
    private final List<Integer> refused = new ArrayList<>();
    private Cause cause = Cause.UNAVAILABLE;
    private int requests;

    @Override
    public Answer send(byte[] request, int points) {
      if (refused.contains(requests++)) {
        return new Failed(cause, "not now");
      }
      try {
        taken.add(ExportMetricsServiceRequest.parseFrom(request));
      } catch (InvalidProtocolBufferException e) {
        throw new UncheckedIOException(e);
      }
      assertThat(points(taken.getLast())).isEqualTo(points);
      return new Accepted(0, "");
    }

    private static List<Metric> metrics(ExportMetricsServiceRequest request) {
      assertThat(request.getResourceMetricsCount()).isEqualTo(1);
      return request.getResourceMetrics(0).getScopeMetrics(0).getMetricsList();
    }

    private static int points(ExportMetricsServiceRequest request) {
      return metrics(request).stream()
          .mapToInt(
              m ->
                  m.getSum().getDataPointsCount()
                      + m.getExponentialHistogram().getDataPointsCount())
          .sum();
    }

    void refuseNext() {
      refused.add(requests);
    }

    List<Metric> all(String name) {
      return taken.stream()
          .flatMap(request -> metrics(request).stream())
          .filter(m -> m.getName().equals(name))
          .toList();
    }

    List<NumberDataPoint> points(String name) {
      return all(name).stream().flatMap(m -> m.getSum().getDataPointsList().stream()).toList();
    }

    long sum(String name) {
      return points(name).stream().mapToLong(NumberDataPoint::getAsInt).sum();
    }
  }

  /** Name and value of each, in their order. */
  private static Map<String, Object> attributes(NumberDataPoint point) {
    Map<String, Object> attributes = new LinkedHashMap<>();
    for (KeyValue pair : point.getAttributesList()) {
      AnyValue value = pair.getValue();
      Object before =
          attributes.put(
              pair.getKey(), value.hasIntValue() ? value.getIntValue() : value.getStringValue());
      assertThat(before).as(pair.getKey()).isNull();
    }
    return attributes;
  }

  private final MeshFixture fixture = new MeshFixture();
  private final Receiver receiver = new Receiver();
  private final MeshMetrics mesh = fixture.mesh(Profile.OTEL, Identities.NONE);

  private MeshPush push(Temporality temporality) {
    return push(mesh, temporality, OtlpPush.MAX_REQUEST_BYTES);
  }

  private static MeshPush push(MeshMetrics mesh, Temporality temporality, int maxRequestBytes) {
    OtlpConfig config = config(temporality, OtlpConfig.Histograms.EXPONENTIAL);
    return new MeshPush(mesh, Resource.empty(), config, maxRequestBytes);
  }

  static OtlpConfig config(Temporality temporality, OtlpConfig.Histograms histograms) {
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
        histograms);
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
        .extracting(NumberDataPoint::getAsInt)
        .containsExactly(beyondDoubles, 5L);
    NumberDataPoint sent = receiver.points("mesh.tcp.io").getFirst();
    assertThat(sent.getStartTimeUnixNano())
        .isEqualTo(MeshFixture.SINCE.getEpochSecond() * 1_000_000_000L);
    assertThat(sent.getTimeUnixNano()).isEqualTo(fixture.now.getEpochSecond() * 1_000_000_000L);
    assertThat(attributes(sent))
        .containsEntry("network.io.direction", "transmit")
        .containsEntry("destination.port", 443L);
    assertThat(attributes(receiver.points("mesh.tcp.connections.failed").getFirst()))
        .containsExactly(
            entry("reporter", "source"),
            entry("network.transport", "tcp"),
            entry("source.address", "10.0.0.1"),
            entry("destination.address", "10.0.0.2"),
            entry("destination.port", 443L),
            entry("error.type", "ECONNREFUSED"));
    Metric active = receiver.all("mesh.tcp.connections.active").getFirst();
    assertThat(active.getSum().getIsMonotonic()).isFalse();
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
            m ->
                m.getSum().getAggregationTemporality()
                    == AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA);
    assertThat(receiver.all("mesh.tcp.connections.active"))
        .allMatch(
            m ->
                m.getSum().getAggregationTemporality()
                    == AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE);
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

    List<NumberDataPoint> points = receiver.points("mesh.tcp.io");
    assertThat(points)
        .extracting(NumberDataPoint::getAsInt)
        .containsExactly(10L, 10L, 10L, 20L, 10L);
    for (int i = 1; i < points.size(); i++) {
      assertThat(points.get(i).getStartTimeUnixNano())
          .isEqualTo(points.get(i - 1).getTimeUnixNano());
    }
  }

  @Test
  void requestsAreBounded() throws InterruptedException {
    MeshPush push = push(Temporality.DELTA);
    for (int i = 0; i < 1_700; i++) {
      fixture.kernel.open(Pair.outbound(i, 5_000), 1, 1);
    }
    assertThat(succeeds(push)).isTrue();

    assertThat(receiver.taken).hasSize(4).allMatch(request -> Receiver.points(request) <= 4_000);
    assertThat(receiver.sum("mesh.tcp.connections.opened")).isEqualTo(1_700);
  }

  @Test
  void whatIsTooLargeIsSentInHalvesAndNothingTwice() throws InterruptedException {
    MeshPush push = push(mesh, Temporality.DELTA, 80_000);
    for (int i = 0; i < 700; i++) {
      fixture.kernel.open(Pair.outbound(i, 5_000), 1, 1);
    }
    receiver.refused.add(2);
    assertThat(succeeds(push)).isFalse();
    assertThat(succeeds(push)).isTrue();
    assertThat(succeeds(push)).isTrue();

    assertThat(receiver.taken)
        .hasSizeGreaterThan(2)
        .allMatch(request -> request.getSerializedSize() <= 80_000);
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
    List<NumberDataPoint> io = receiver.points("mesh.udp.io");
    assertThat(io).extracting(NumberDataPoint::getAsInt).containsExactlyInAnyOrder(7L, 0L, 0L, 0L);
    assertThat(
            attributes(
                io.stream().filter(point -> point.getAsInt() == 7).findFirst().orElseThrow()))
        .containsExactly(
            entry("reporter", "source"),
            entry("network.transport", "udp"),
            entry("source.address", "10.0.0.1"),
            entry("destination.address", "10.0.0.2"),
            entry("destination.port", 53L),
            entry("network.io.direction", "transmit"));
    // A rate needs to have seen the zero before the first packet.
    assertThat(receiver.points("mesh.udp.packets"))
        .extracting(
            point -> attributes(point).get("destination.port"),
            point -> attributes(point).get("network.io.direction"),
            NumberDataPoint::getAsInt)
        .containsExactlyInAnyOrder(
            tuple(53L, "transmit", 0L),
            tuple(53L, "receive", 0L),
            tuple(null, "transmit", 0L),
            tuple(null, "receive", 3L));
  }

  @Test
  void profilesWithoutWordsForUdpLeaveItOut() throws InterruptedException {
    MeshMetrics istio = fixture.mesh(Profile.ISTIO, Identities.NONE);
    fixture.kernel.open(Pair.outbound(1, 2), 10, 20);
    fixture.kernel.add(Pair.outbound(1, 2).overUdp(443), Sum.BYTES_SENT, 7);
    istio.account();
    assertThat(push(istio, Temporality.DELTA, OtlpPush.MAX_REQUEST_BYTES).push(receiver)).isEmpty();

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

    List<ExponentialHistogramDataPoint> points =
        receiver.all("mesh.tcp.connection.duration").stream()
            .flatMap(m -> m.getExponentialHistogram().getDataPointsList().stream())
            .toList();
    assertThat(points).extracting(ExponentialHistogramDataPoint::getCount).containsExactly(1L, 2L);
    assertThat(points)
        .extracting(ExponentialHistogramDataPoint::getSum)
        .containsExactly(0.005, 70.005);
    assertThat(
            points.getLast().getPositive().getBucketCountsList().stream()
                .mapToLong(Long::longValue)
                .sum())
        .isEqualTo(2);
    assertThat(points.getLast().hasMin()).isFalse();
    assertThat(points.getFirst().getMin()).isEqualTo(0.005);
    assertThat(points.getLast().getStartTimeUnixNano())
        .isEqualTo(points.getFirst().getTimeUnixNano());
  }

  @Test
  void nothingToTellIsNoRequest() throws InterruptedException {
    assertThat(succeeds(push(Temporality.DELTA))).isTrue();
    assertThat(receiver.requests).isZero();
  }
}
