// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import io.meshlens.export.OtlpConfig.Histograms;
import io.meshlens.export.OtlpConfig.Temporality;
import io.meshlens.flow.Connection;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Identities;
import io.meshlens.flow.Identity;
import io.meshlens.flow.Sum;
import io.meshlens.metrics.ConnectionDurations;
import io.meshlens.metrics.Detail;
import io.meshlens.metrics.DurationSeries;
import io.meshlens.metrics.KernelSums.Pair;
import io.meshlens.metrics.MeshMetrics;
import io.meshlens.metrics.Names;
import io.meshlens.metrics.Profile;
import io.meshlens.metrics.Series;
import io.meshlens.metrics.SeriesTable;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.resources.Resource;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

final class MeshPointsTest {
  private static final int ROUNDS = 15;
  private static final int MAX_REQUEST_BYTES = 3 << 20;

  private static final Resource RESOURCE =
      Resource.create(
          Attributes.builder()
              .put("service.name", "meshlens")
              .put("host.name", "nœud-7")
              .put("a.number", 7)
              .put("a.fraction", 0.5)
              .put("a.flag", true)
              .build(),
          "https://opentelemetry.io/schemas/1.37.0");

  private final MeshFixture fixture = new MeshFixture();
  private final Random random = new Random(17);

  static Stream<Arguments> profilesDetailsTemporalitiesAndHistograms() {
    return Stream.of(Profile.values())
        .flatMap(
            profile ->
                Stream.of(Detail.values())
                    .flatMap(
                        detail ->
                            Stream.of(Temporality.values())
                                .flatMap(
                                    temporality ->
                                        Stream.of(Histograms.values())
                                            .map(
                                                histograms ->
                                                    Arguments.of(
                                                        profile,
                                                        detail,
                                                        temporality,
                                                        histograms)))));
  }

  private static Names names() {
    String longName = "x".repeat(900);
    return new Names()
        .put(1, Names.workload("shop", "cart"))
        .put(2, Names.workload("lager", "Küche-日本-🚀"))
        .put(3, Names.workload(longName, longName))
        .put(11, Identity.builder().namespace("shop").source("test").build())
        .put(12, Names.workload("shop", "pay"));
  }

  /** Connections, failures, datagrams and what found no room in the kernel. */
  private void happens(MeshMetrics mesh) {
    for (int i = 0; i < 12; i++) {
      int client = random.nextInt(6);
      int server = 10 + random.nextInt(5);
      Pair key =
          random.nextBoolean() ? Pair.outbound(client, server) : Pair.inbound(client, server);
      switch (random.nextInt(6)) {
        case 0 -> fixture.kernel.open(key, random.nextLong(1L << 50), random.nextInt(3));
        case 1 -> fixture.kernel.close(key);
        case 2 ->
            fixture.kernel.add(
                key.failedWith(random.nextInt(4) * 37), Sum.CONNECTIONS_FAILED, random.nextInt(3));
        case 3 ->
            fixture.kernel.add(
                key.overUdp(random.nextInt(2) * 53), Sum.PACKETS_SENT, random.nextInt(3));
        case 4 ->
            fixture.kernel.addOverflow(
                random.nextBoolean() ? Direction.INBOUND : Direction.OUTBOUND,
                random.nextBoolean() ? Sum.CONNECTIONS_FAILED : Sum.CONNECTIONS_OPENED,
                1);
        default -> {
          Connection closed = fixture.closed(client, server, (long) Math.exp(random.nextInt(15)));
          closed.rttUs = random.nextInt(3) * 1_000L;
          closed.adopted = random.nextInt(3) == 0;
          mesh.durations().accept(closed);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("profilesDetailsTemporalitiesAndHistograms")
  void requestsHoldWhatTheSdkWouldEncode(
      Profile profile, Detail detail, Temporality temporality, Histograms histograms)
      throws InvalidProtocolBufferException {
    // With few series most of what happens is in the overflow.
    int maxSeries = histograms == Histograms.EXPLICIT ? 7 : 1_000;
    MeshMetrics mesh = fixture.mesh(profile, names(), detail, maxSeries);
    OtlpConfig config = MeshPushTest.config(temporality, histograms);
    MeshPoints written = new MeshPoints(RESOURCE, config, MAX_REQUEST_BYTES);
    SdkPoints expected = new SdkPoints(RESOURCE, temporality, histograms);
    SdkPoints expectedDurations = new SdkPoints(RESOURCE, temporality, histograms);
    int points = 0;
    try (OtlpEncoder encoder = new OtlpEncoder()) {
      for (int round = 0; round < ROUNDS; round++) {
        happens(mesh);
        fixture.pass(10);
        mesh.account();
        long nowEpochNs = mesh.sums().accountedEpochNs();
        boolean taken = random.nextInt(3) != 0;
        for (SeriesTable table : mesh.sums().tables()) {
          List<Series> series = mesh.sums().series(table);
          MeshPoints.Batch batch = written.sums(table.metrics(), series, nowEpochNs);
          points += compare(batch, expected.sums(table.metrics(), series, nowEpochNs), encoder);
          if (taken) {
            batch.taken().run();
            expected.take(nowEpochNs);
          }
        }
        for (ConnectionDurations.Table table : mesh.durations().tables()) {
          List<DurationSeries> series = List.copyOf(table.series());
          MeshPoints.Batch batch = written.durations(table.metrics(), series, nowEpochNs);
          points +=
              compare(
                  batch, expectedDurations.durations(table.metrics(), series, nowEpochNs), encoder);
          if (taken) {
            batch.taken().run();
            expectedDurations.take(nowEpochNs);
          }
        }
      }
    }
    assertThat(points).isGreaterThan(ROUNDS);
  }

  /** How many points both have. */
  private static int compare(MeshPoints.Batch batch, List<MetricData> expected, OtlpEncoder encoder)
      throws InvalidProtocolBufferException {
    assertThat(batch.isTooLarge()).isFalse();
    assertThat(batch.points()).isEqualTo(Requests.points(expected));
    if (!expected.isEmpty()) {
      assertThat(sorted(ExportMetricsServiceRequest.parseFrom(batch.request())))
          .isEqualTo(sorted(ExportMetricsServiceRequest.parseFrom(encoder.encode(expected))));
    }
    return batch.points();
  }

  /** The SDK sorts attributes by name; their order says nothing. */
  private static Message sorted(Message message) {
    Message.Builder builder = message.toBuilder();
    message
        .getAllFields()
        .forEach(
            (field, value) -> {
              if (field.getJavaType() != FieldDescriptor.JavaType.MESSAGE) {
                return;
              }
              if (value instanceof List<?> list) {
                Stream<Message> all = list.stream().map(each -> sorted((Message) each));
                builder.setField(
                    field,
                    field.getName().equals("attributes")
                        ? all.sorted(Comparator.comparing(Message::toString)).toList()
                        : all.toList());
              } else {
                builder.setField(field, sorted((Message) value));
              }
            });
    return builder.build();
  }

  @Test
  void requestThatWouldBeTooLargeIsNotMadeUnlessItHasOneSeries() {
    MeshMetrics mesh = fixture.mesh(Profile.OTEL, Identities.NONE, Detail.ADDRESS, 1_000);
    for (int i = 0; i < 100; i++) {
      fixture.kernel.open(Pair.outbound(i, 5_000), 1, 1);
    }
    mesh.account();
    SeriesTable table = mesh.sums().tables().getFirst();
    List<Series> series = mesh.sums().series(table);
    OtlpConfig config = MeshPushTest.config(Temporality.DELTA, Histograms.EXPONENTIAL);
    int whole =
        new MeshPoints(RESOURCE, config, MAX_REQUEST_BYTES)
            .sums(table.metrics(), series, 1)
            .request()
            .length;

    for (int max : List.of(whole - 1, whole / 2, 5_000, 100)) {
      MeshPoints points = new MeshPoints(RESOURCE, config, max);
      assertThat(points.sums(table.metrics(), series, 1).isTooLarge()).isTrue();
      assertThat(points.sums(table.metrics(), series.subList(0, 1), 1).points()).isEqualTo(4);
    }
    assertThat(
            new MeshPoints(RESOURCE, config, whole).sums(table.metrics(), series, 1).isTooLarge())
        .isFalse();
  }
}
