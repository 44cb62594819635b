// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.export.OtlpConfig.Temporality;
import io.meshlens.flow.Transport;
import io.meshlens.metrics.Counts;
import io.meshlens.metrics.DurationSeries;
import io.meshlens.metrics.HistogramSnapshot;
import io.meshlens.metrics.Labelled;
import io.meshlens.metrics.MeshMetric;
import io.meshlens.metrics.MeshMetric.Kind;
import io.meshlens.metrics.MeshMetric.Part;
import io.meshlens.metrics.Quantity;
import io.meshlens.metrics.Series;
import io.meshlens.metrics.Shape;
import io.meshlens.metrics.Timing;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.sdk.common.InstrumentationScopeInfo;
import io.opentelemetry.sdk.metrics.data.AggregationTemporality;
import io.opentelemetry.sdk.metrics.data.Data;
import io.opentelemetry.sdk.metrics.data.ExponentialHistogramBuckets;
import io.opentelemetry.sdk.metrics.data.ExponentialHistogramData;
import io.opentelemetry.sdk.metrics.data.ExponentialHistogramPointData;
import io.opentelemetry.sdk.metrics.data.LongPointData;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.metrics.data.MetricDataType;
import io.opentelemetry.sdk.metrics.data.SumData;
import io.opentelemetry.sdk.resources.Resource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes points of series as {@link OtlpEncoder} takes them, and remembers with each series what was
 * taken, where points count from there. Owned by: export-otlp.
 */
final class MeshPoints {
  private static final InstrumentationScopeInfo SCOPE = InstrumentationScopeInfo.create("meshlens");

  /** What a receiver has taken of a series. */
  private record Taken(Counts counts, long untilEpochNs) {}

  private record TakenDurations(Map<Timing, HistogramSnapshot> histograms, long untilEpochNs) {
    static final TakenDurations NOTHING = new TakenDurations(Map.of(), 0);
  }

  /**
   * Points, and what there is to do once a receiver has taken them.
   *
   * @param taken never runs when it has not
   */
  record Batch(Collection<MetricData> metrics, Runnable taken) {}

  private final Resource resource;
  private final Temporality temporality;
  private final Map<Shape, PointAttributes.Keys> keys = new HashMap<>();

  MeshPoints(Resource resource, Temporality temporality) {
    this.resource = resource;
    this.temporality = temporality;
  }

  private PointAttributes.Keys keys(Labelled series) {
    return keys.computeIfAbsent(
        series.labels().shape(), shape -> new PointAttributes.Keys(shape.names()));
  }

  /** All points of some series that share their metrics. */
  Batch sums(List<MeshMetric> metrics, List<Series> series, long nowEpochNs) {
    boolean delta = temporality == Temporality.DELTA;
    List<Counts> now = series.stream().map(Series::counts).toList();
    List<MetricData> made = new ArrayList<>();
    for (MeshMetric metric : metrics) {
      boolean isDelta = delta && metric.kind() == Kind.COUNTER;
      List<LongPointData> points = new ArrayList<>(series.size() * metric.parts().size());
      for (int i = 0; i < series.size(); i++) {
        addPoints(points, metric, series.get(i), now.get(i), isDelta, nowEpochNs);
      }
      if (!points.isEmpty()) {
        SumData<LongPointData> sum =
            SumData.createLongSumData(
                metric.kind() == Kind.COUNTER,
                isDelta ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
                points);
        made.add(metric(metric, MetricDataType.LONG_SUM, sum));
      }
    }
    return new Batch(
        made,
        () -> {
          for (int i = 0; delta && i < now.size(); i++) {
            series.get(i).setPushState(new Taken(now.get(i), nowEpochNs));
          }
        });
  }

  private void addPoints(
      List<LongPointData> points,
      MeshMetric metric,
      Series series,
      Counts now,
      boolean isDelta,
      long nowEpochNs) {
    Taken before = isDelta && series.pushState() instanceof Taken t ? t : null;
    Counts counts = before == null ? now : now.since(before.counts);
    long start = Math.min(before == null ? series.startEpochNs() : before.untilEpochNs, nowEpochNs);
    for (Part part : metric.parts()) {
      if (part.isByError()) {
        for (Counts.Failures failures : counts.failures()) {
          if (failures.count() != 0) {
            points.add(point(series, part, failures.type(), failures.count(), start, nowEpochNs));
          }
        }
        continue;
      }
      long value = counts.get(part.quantity(), series.reporter());
      boolean tellsZero =
          isDelta
              ? part.quantity() == Quantity.ACTIVE && counts.isConnected()
              : isWorthZero(metric, part, counts);
      if (value != 0 || tellsZero) {
        points.add(point(series, part, part.value(), value, start, nowEpochNs));
      }
    }
  }

  /** A rate sees the first increment of a counter only when it was there before. */
  static boolean isWorthZero(MeshMetric metric, Part part, Counts counts) {
    return (metric.transport() == Transport.UDP || counts.isConnected())
        && part.quantity() != Quantity.FAILED;
  }

  private LongPointData point(
      Series series, Part part, String partValue, long value, long start, long nowEpochNs) {
    @Nullable AttributeKey<String> key =
        partValue.isEmpty() ? null : AttributeKey.stringKey(part.attribute());
    return LongPointData.create(
        start,
        nowEpochNs,
        new PointAttributes(keys(series), series.labels(), key, partValue),
        value);
  }

  private MetricData metric(MeshMetric metric, MetricDataType type, Data<?> data) {
    return new PointsOfMetric(
        resource, SCOPE, metric.metricName(), metric.help(), metric.unit(), type, data);
  }

  /** All histograms of some series that share their metrics. */
  Batch durations(List<MeshMetric> metrics, List<DurationSeries> series, long nowEpochNs) {
    boolean delta = temporality != Temporality.CUMULATIVE;
    AggregationTemporality of =
        delta ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE;
    List<Map<Timing, HistogramSnapshot>> now =
        series.stream().map(s -> snapshots(s, metrics)).toList();
    List<MetricData> made = new ArrayList<>();
    for (MeshMetric metric : metrics) {
      List<ExponentialHistogramPointData> points = new ArrayList<>();
      for (int i = 0; i < series.size(); i++) {
        HistogramSnapshot histogram = now.get(i).get(metric.timing().orElseThrow());
        if (histogram != null) {
          addPoint(points, metric, series.get(i), histogram, delta, nowEpochNs);
        }
      }
      if (!points.isEmpty()) {
        made.add(
            metric(
                metric,
                MetricDataType.EXPONENTIAL_HISTOGRAM,
                ExponentialHistogramData.create(of, points)));
      }
    }
    return new Batch(
        made,
        () -> {
          for (int i = 0; delta && i < now.size(); i++) {
            series.get(i).setPushState(new TakenDurations(now.get(i), nowEpochNs));
          }
        });
  }

  private static Map<Timing, HistogramSnapshot> snapshots(
      DurationSeries series, List<MeshMetric> metrics) {
    Map<Timing, HistogramSnapshot> snapshots = new EnumMap<>(Timing.class);
    for (MeshMetric metric : metrics) {
      Timing timing = metric.timing().orElseThrow();
      series.histogram(timing).ifPresent(h -> snapshots.put(timing, h.snapshot()));
    }
    return snapshots;
  }

  private void addPoint(
      List<ExponentialHistogramPointData> points,
      MeshMetric metric,
      DurationSeries series,
      HistogramSnapshot now,
      boolean delta,
      long nowEpochNs) {
    TakenDurations before =
        delta && series.pushState() instanceof TakenDurations t ? t : TakenDurations.NOTHING;
    HistogramSnapshot taken = before.histograms.get(metric.timing().orElseThrow());
    HistogramSnapshot histogram = taken == null ? now : now.since(taken);
    if (histogram.count() == 0) {
      return;
    }
    boolean isWhole = taken == null;
    long start = before.untilEpochNs == 0 ? series.startEpochNs() : before.untilEpochNs;
    points.add(
        ExponentialHistogramPointData.create(
            histogram.scale(),
            histogram.sumSeconds(),
            histogram.zeroes(),
            isWhole,
            histogram.leastSeconds(),
            isWhole,
            histogram.mostSeconds(),
            buckets(histogram),
            ExponentialHistogramBuckets.create(histogram.scale(), 0, List.of()),
            Math.min(start, nowEpochNs),
            nowEpochNs,
            new PointAttributes(keys(series), series.labels(), null, ""),
            List.of()));
  }

  /** Without the empty ones at both ends. */
  private static ExponentialHistogramBuckets buckets(HistogramSnapshot histogram) {
    long[] counts = histogram.counts();
    int from = 0;
    int to = counts.length;
    while (from < to && counts[from] == 0) {
      from++;
    }
    while (to > from && counts[to - 1] == 0) {
      to--;
    }
    return ExponentialHistogramBuckets.create(
        histogram.scale(),
        from == to ? 0 : histogram.first() + from,
        Arrays.stream(counts, from, to).boxed().toList());
  }
}
