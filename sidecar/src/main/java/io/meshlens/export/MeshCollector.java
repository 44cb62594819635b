// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.metrics.ConnectionDurations;
import io.meshlens.metrics.Counts;
import io.meshlens.metrics.DurationSeries;
import io.meshlens.metrics.Histogram;
import io.meshlens.metrics.HistogramSnapshot;
import io.meshlens.metrics.MeshMetric;
import io.meshlens.metrics.MeshMetric.Part;
import io.meshlens.metrics.MeshMetrics;
import io.meshlens.metrics.Series;
import io.meshlens.metrics.SeriesTable;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Exemplars;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.MetricMetadata;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import io.prometheus.metrics.model.snapshots.NativeHistogramBuckets;
import io.prometheus.metrics.model.snapshots.Unit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * The metrics about connections for a Prometheus scrape, beside those of the SDK. Its model holds
 * every number as a double, as Prometheus itself does: beyond 2^53 both round.
 */
final class MeshCollector implements MultiCollector {
  private static final long NANOS_PER_MILLI = 1_000_000;
  private static final String COUNTER_SUFFIX = "_total";

  /** Upper bounds, the last of them infinite. */
  private static final double[] BOUNDS_SECONDS =
      DoubleStream.concat(
              Arrays.stream(Histogram.boundsSeconds()), DoubleStream.of(Double.POSITIVE_INFINITY))
          .toArray();

  private final MultiCollector own;
  private final MeshMetrics mesh;

  /**
   * @param own collected before; it brings the sums up to date, so that both tell of one moment
   */
  MeshCollector(MultiCollector own, MeshMetrics mesh) {
    this.own = own;
    this.mesh = mesh;
  }

  /** One scrape at a time, because label texts are kept with the series. */
  @Override
  public synchronized MetricSnapshots collect() {
    List<MetricSnapshot> snapshots = new ArrayList<>(own.collect().stream().toList());
    for (SeriesTable table : mesh.sums().tables()) {
      List<Series> series = mesh.sums().series(table);
      List<Counts> counts = series.stream().map(Series::counts).toList();
      for (MeshMetric metric : table.metrics()) {
        sums(metric, series, counts).ifPresent(snapshots::add);
      }
    }
    for (ConnectionDurations.Table table : mesh.durations().tables()) {
      for (MeshMetric metric : table.metrics()) {
        durations(metric, table).ifPresent(snapshots::add);
      }
    }
    return new MetricSnapshots(snapshots);
  }

  /** The name without what the format adds by itself. */
  static MetricMetadata metadata(MeshMetric metric) {
    String name = metric.metricName().replace('.', '_');
    if (name.endsWith(COUNTER_SUFFIX)) {
      name = name.substring(0, name.length() - COUNTER_SUFFIX.length());
    }
    return switch (metric.unit()) {
      case "By" -> new MetricMetadata(withUnit(name, Unit.BYTES), metric.help(), Unit.BYTES);
      case "s" -> new MetricMetadata(withUnit(name, Unit.SECONDS), metric.help(), Unit.SECONDS);
      default -> new MetricMetadata(name, metric.help());
    };
  }

  private static String withUnit(String name, Unit unit) {
    return name.endsWith("_" + unit) ? name : name + "_" + unit;
  }

  private static ScrapeLabels labels(io.meshlens.metrics.Labelled series) {
    if (series.scrapeState() instanceof ScrapeLabels known) {
      return known;
    }
    ScrapeLabels made = new ScrapeLabels(series.labels());
    series.setScrapeState(made);
    return made;
  }

  private static Optional<MetricSnapshot> sums(
      MeshMetric metric, List<Series> series, List<Counts> counts) {
    List<CounterDataPointSnapshot> counters = new ArrayList<>();
    List<GaugeDataPointSnapshot> gauges = new ArrayList<>();
    for (int i = 0; i < series.size(); i++) {
      Series one = series.get(i);
      long createdMillis = one.startEpochNs() / NANOS_PER_MILLI;
      ScrapeLabels labels = labels(one);
      for (Part part : metric.parts()) {
        if (part.isByError()) {
          for (Counts.Failures failures : counts.get(i).failures()) {
            counters.add(
                new CounterDataPointSnapshot(
                    failures.count(),
                    labels.with(part.attribute(), failures.type()),
                    null,
                    createdMillis));
          }
          continue;
        }
        long value = counts.get(i).get(part.quantity(), one.reporter());
        if (value == 0 && !MeshPoints.isWorthZero(metric, part, counts.get(i))) {
          continue;
        }
        switch (metric.kind()) {
          case UP_DOWN_COUNTER ->
              gauges.add(
                  new GaugeDataPointSnapshot(
                      value, labels.with(part.attribute(), part.value()), null));
          default ->
              counters.add(
                  new CounterDataPointSnapshot(
                      value, labels.with(part.attribute(), part.value()), null, createdMillis));
        }
      }
    }
    if (!gauges.isEmpty()) {
      return Optional.of(new GaugeSnapshot(metadata(metric), gauges));
    }
    return counters.isEmpty()
        ? Optional.empty()
        : Optional.of(new CounterSnapshot(metadata(metric), counters));
  }

  private static Optional<MetricSnapshot> durations(
      MeshMetric metric, ConnectionDurations.Table table) {
    List<HistogramDataPointSnapshot> points = new ArrayList<>();
    for (DurationSeries series : table.series()) {
      series
          .histogram(metric.timing().orElseThrow())
          .map(Histogram::snapshot)
          .ifPresent(histogram -> points.add(point(series, histogram)));
    }
    return points.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new io.prometheus.metrics.model.snapshots.HistogramSnapshot(metadata(metric), points));
  }

  private static HistogramDataPointSnapshot point(
      DurationSeries series, HistogramSnapshot histogram) {
    long[] counts = histogram.counts();
    int[] used = IntStream.range(0, counts.length).filter(i -> counts[i] != 0).toArray();
    return new HistogramDataPointSnapshot(
        ClassicHistogramBuckets.of(BOUNDS_SECONDS, histogram.fixed()),
        histogram.scale(),
        histogram.zeroes(),
        0,
        // Prometheus numbers a bucket by its upper bound, OpenTelemetry by its lower one.
        NativeHistogramBuckets.of(
            Arrays.stream(used).map(i -> histogram.first() + i + 1).toArray(),
            Arrays.stream(used).mapToLong(i -> counts[i]).toArray()),
        NativeHistogramBuckets.EMPTY,
        histogram.sumSeconds(),
        labels(series).with("", ""),
        Exemplars.EMPTY,
        series.startEpochNs() / NANOS_PER_MILLI);
  }
}
