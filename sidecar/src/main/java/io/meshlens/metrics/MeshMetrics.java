// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import io.meshlens.flow.ConnectionSink;
import io.meshlens.flow.Identities;
import io.meshlens.flow.SumsSource;
import io.meshlens.metrics.SeriesStore.Waiting;
import io.meshlens.vitals.Gauge;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.SelfMetric;
import io.meshlens.vitals.Vitals;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.function.LongSupplier;

/** Every metric about connections: counters from the kernel's sums, histograms from records. */
public final class MeshMetrics {
  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  private final SeriesStore sums;
  private final ConnectionDurations durations;
  private final int maxSeries;
  private volatile boolean ending;

  /**
   * @param source reads the sums from the kernel; may throw
   * @param since start of the sums, perhaps in an earlier process
   * @param monoNs the monotonic clock, nanoseconds
   */
  public MeshMetrics(
      MetricsConfig config,
      SumsSource source,
      Identities identities,
      Instant since,
      InstantSource clock,
      LongSupplier monoNs,
      Vitals vitals,
      Log log) {
    Detail detail =
        config
            .detail()
            .orElse(identities.equals(Identities.NONE) ? Detail.ADDRESS : Detail.WORKLOAD);
    maxSeries = config.maxSeries();
    sums =
        new SeriesStore(
            config,
            detail,
            source,
            identities,
            epochNs(since),
            () -> epochNs(clock.instant()),
            monoNs,
            vitals,
            log);
    durations = new ConnectionDurations(config, detail, identities, vitals);
  }

  private static long epochNs(Instant instant) {
    return instant.getEpochSecond() * NANOS_PER_SECOND + instant.getNano();
  }

  public SeriesStore sums() {
    return sums;
  }

  public ConnectionDurations durations() {
    return durations;
  }

  /** Who wants records; nobody when the profile has no histogram. */
  public List<ConnectionSink> sinks() {
    return durations.tables().isEmpty() ? List.of() : List.of(durations);
  }

  /** Brings the counters up to date. */
  public void account() {
    sums.account(ending ? Waiting.NO_MORE : Waiting.FOR_IDENTITIES);
  }

  /** From now on nothing waits to be accounted for. */
  public void end() {
    ending = true;
  }

  /** There is somebody who pushes: nothing idle leaves before it was taken. */
  public void expectPushes() {
    sums.expectPushes();
    durations.expectPushes();
  }

  /** All until then has been taken. */
  public void pushed(long untilEpochNs) {
    sums.pushed(untilEpochNs);
    durations.pushed(untilEpochNs);
  }

  /** How full it is. */
  public List<Gauge> gauges() {
    return List.of(
        new Gauge(SelfMetric.SERIES_USED, sums::seriesUsed),
        new Gauge(SelfMetric.SERIES_CAPACITY, () -> maxSeries));
  }
}
