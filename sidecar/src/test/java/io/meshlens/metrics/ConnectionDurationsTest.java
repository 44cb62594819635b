// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Identities;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class ConnectionDurationsTest {
  private static final long EPOCH_NS = TimeUnit.DAYS.toNanos(20_000);

  /** The monotonic clock at that moment. */
  private static final long MONO_NS = TimeUnit.HOURS.toNanos(7);

  private final Vitals vitals = new Vitals();

  private ConnectionDurations durations(Profile profile, Identities identities, int maxSeries) {
    Detail detail = identities.equals(Identities.NONE) ? Detail.ADDRESS : Detail.WORKLOAD;
    return new ConnectionDurations(
        new MetricsConfig(
            profile, Optional.of(detail), AttributeRules.NONE, maxSeries, Duration.ofMinutes(1)),
        detail,
        identities,
        vitals);
  }

  /** Took 3 ms to connect and 50 ms in all, with a round trip of 700 µs. */
  private static Connection closed(int client, int server, long endEpochNs) {
    Connection c = new Connection();
    c.event = ConnectionEvent.CLOSED;
    c.direction = Direction.OUTBOUND;
    c.endMonoNs = endEpochNs - EPOCH_NS + MONO_NS;
    c.startMonoNs = c.endMonoNs - 50_000_000;
    c.establishedMonoNs = c.startMonoNs + 3_000_000;
    c.endEpochNs = endEpochNs;
    c.localLow = KernelSums.ipv4(client).low();
    c.remoteLow = KernelSums.ipv4(server).low();
    c.localPort = 40_000;
    c.remotePort = 443;
    c.rttUs = 700;
    return c;
  }

  private static Collection<DurationSeries> series(ConnectionDurations durations) {
    return durations.tables().getFirst().series();
  }

  private static long count(DurationSeries series, Timing timing) {
    return series.histogram(timing).map(h -> h.snapshot().count()).orElse(0L);
  }

  @Test
  void anEndedConnectionIsASampleOfEachDuration() {
    ConnectionDurations durations = durations(Profile.OTEL, Identities.NONE, 100);
    durations.accept(closed(1, 2, EPOCH_NS));

    assertThat(series(durations)).hasSize(1);
    DurationSeries only = series(durations).iterator().next();
    assertThat(only.histogram(Timing.CONNECT).orElseThrow().snapshot().sumSeconds())
        .isEqualTo(0.003);
    assertThat(only.histogram(Timing.RTT).orElseThrow().snapshot().sumSeconds()).isEqualTo(0.0007);
    assertThat(only.histogram(Timing.CONNECTION).orElseThrow().snapshot().sumSeconds())
        .isEqualTo(0.05);
    assertThat(only.startEpochNs()).isLessThan(EPOCH_NS);
  }

  @Test
  void whatIsNotKnownIsNoSample() {
    ConnectionDurations durations = durations(Profile.OTEL, Identities.NONE, 100);
    Connection adopted = closed(1, 2, EPOCH_NS);
    adopted.adopted = true;
    adopted.rttUs = 0;
    durations.accept(adopted);
    Connection failed = closed(1, 3, EPOCH_NS);
    failed.event = ConnectionEvent.FAILED;
    durations.accept(failed);
    Connection open = closed(1, 4, EPOCH_NS);
    open.event = ConnectionEvent.PERIODIC;
    durations.accept(open);
    Connection inbound = closed(2, 1, EPOCH_NS);
    inbound.direction = Direction.INBOUND;
    durations.accept(inbound);

    assertThat(series(durations)).hasSize(2);
    for (DurationSeries one : series(durations)) {
      boolean accepted = one.labels().reporter() == Direction.INBOUND;
      assertThat(count(one, Timing.CONNECT)).isZero();
      assertThat(count(one, Timing.RTT)).isEqualTo(accepted ? 1 : 0);
      assertThat(count(one, Timing.CONNECTION)).isEqualTo(accepted ? 1 : 0);
    }
  }

  @Test
  void connectionsOfOneWorkloadShareASeries() {
    Names names =
        new Names()
            .put(1, Names.workload("a", "client"))
            .put(2, Names.workload("a", "client"))
            .put(3, Names.workload("a", "server"));
    ConnectionDurations durations = durations(Profile.OTEL, names, 100);
    durations.accept(closed(1, 3, EPOCH_NS));
    durations.accept(closed(2, 3, EPOCH_NS));
    Connection told = closed(9, 3, EPOCH_NS);
    told.source = Names.workload("a", "client");
    durations.accept(told);

    assertThat(series(durations)).hasSize(1);
    assertThat(count(series(durations).iterator().next(), Timing.RTT)).isEqualTo(3);
  }

  @Test
  void moreThanTheLimitIsInTheOverflow() {
    ConnectionDurations durations = durations(Profile.OTEL, Identities.NONE, 3);
    for (int round = 0; round < 2; round++) {
      for (int i = 0; i < 10; i++) {
        durations.accept(closed(i, 100, EPOCH_NS));
      }
    }

    assertThat(series(durations)).hasSize(4);
    assertThat(series(durations).stream().mapToLong(s -> count(s, Timing.RTT)).sum()).isEqualTo(20);
    assertThat(vitals.get(Vital.SERIES_FOLDED)).isEqualTo(7);
  }

  @Test
  void anIdleSeriesLeavesOnceItWasPushedAndThereIsRoomThen() {
    ConnectionDurations durations = durations(Profile.OTEL, Identities.NONE, 1);
    durations.expectPushes();
    durations.accept(closed(1, 2, EPOCH_NS));
    durations.accept(closed(1, 3, EPOCH_NS));
    long laterNs = EPOCH_NS + TimeUnit.MINUTES.toNanos(5);
    durations.accept(closed(1, 3, laterNs));
    durations.endBatch();
    assertThat(series(durations)).hasSize(2);

    durations.pushed(EPOCH_NS);
    durations.accept(closed(1, 3, laterNs + TimeUnit.SECONDS.toNanos(30)));
    durations.endBatch();
    durations.accept(closed(1, 3, laterNs + TimeUnit.SECONDS.toNanos(31)));

    assertThat(series(durations).stream().filter(s -> !s.labels().isOverflow()).toList())
        .singleElement()
        .satisfies(s -> assertThat(count(s, Timing.RTT)).isEqualTo(1));
  }

  @Test
  void aProfileWithoutHistogramsWantsNoRecords() {
    assertThat(durations(Profile.ISTIO, Identities.NONE, 10).tables()).isEqualTo(List.of());
  }
}
