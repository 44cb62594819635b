// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.export.OtlpConfig.Temporality;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.sdk.metrics.data.AggregationTemporality;
import io.opentelemetry.sdk.metrics.data.DoublePointData;
import io.opentelemetry.sdk.metrics.data.ExponentialHistogramBuckets;
import io.opentelemetry.sdk.metrics.data.ExponentialHistogramPointData;
import io.opentelemetry.sdk.metrics.data.HistogramPointData;
import io.opentelemetry.sdk.metrics.data.LongPointData;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.metrics.data.PointData;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Cumulative sums and histograms as differences from what the receiver has confirmed. What it has
 * not is in the next difference, so a failed push loses nothing. Owned by: export-otlp.
 */
final class Deltas {
  /** The last confirmed point of a series, and the push that confirmed it. */
  private record Confirmed(PointData point, long push) {}

  private final Temporality temporality;
  private final Map<Metric.Name, Map<Attributes, Confirmed>> confirmed = new HashMap<>();

  Deltas(Temporality temporality) {
    this.temporality = temporality;
  }

  /** Whether a metric is pushed as differences; those that come as such are left alone. */
  private boolean applies(MetricData metric) {
    if (Metric.temporality(metric) == AggregationTemporality.DELTA) {
      return false;
    }
    boolean histograms = temporality != Temporality.CUMULATIVE;
    boolean sums = temporality == Temporality.DELTA;
    return switch (metric.getType()) {
      case LONG_SUM -> sums && metric.getLongSumData().isMonotonic();
      case DOUBLE_SUM -> sums && metric.getDoubleSumData().isMonotonic();
      case HISTOGRAM, EXPONENTIAL_HISTOGRAM -> histograms;
      case LONG_GAUGE, DOUBLE_GAUGE, SUMMARY -> false;
    };
  }

  /** What is to be sent for metrics; those without a change are left out. */
  List<MetricData> of(List<MetricData> metrics) {
    List<MetricData> sent = new ArrayList<>();
    for (MetricData metric : metrics) {
      if (!applies(metric)) {
        sent.add(metric);
        continue;
      }
      Map<Attributes, Confirmed> before = confirmed.getOrDefault(Metric.Name.of(metric), Map.of());
      List<PointData> points = new ArrayList<>();
      for (PointData point : metric.getData().getPoints()) {
        Confirmed last = before.get(point.getAttributes());
        PointData delta = last == null ? point : minus(point, last.point());
        if (delta != null) {
          points.add(delta);
        }
      }
      if (!points.isEmpty()) {
        sent.add(Metric.withPoints(metric, points, AggregationTemporality.DELTA));
      }
    }
    return sent;
  }

  /** The receiver has what was made of these. */
  void confirm(List<MetricData> metrics, long push) {
    for (MetricData metric : metrics) {
      if (applies(metric)) {
        Map<Attributes, Confirmed> points =
            confirmed.computeIfAbsent(Metric.Name.of(metric), name -> new HashMap<>());
        for (PointData point : metric.getData().getPoints()) {
          points.put(point.getAttributes(), new Confirmed(point, push));
        }
      }
    }
  }

  /** Everything of a push was confirmed: series that were not in it are gone. */
  void forgetBefore(long push) {
    confirmed.values().forEach(points -> points.values().removeIf(each -> each.push() < push));
    confirmed.values().removeIf(Map::isEmpty);
  }

  /** Null when nothing has changed. A series that began anew is its own difference. */
  private static @Nullable PointData minus(PointData now, PointData before) {
    if (now.getStartEpochNanos() > before.getEpochNanos()) {
      return now;
    }
    return switch (now) {
      case LongPointData n when before instanceof LongPointData b -> minus(n, b);
      case DoublePointData n when before instanceof DoublePointData b -> minus(n, b);
      case HistogramPointData n when before instanceof HistogramPointData b -> minus(n, b);
      case ExponentialHistogramPointData n when before instanceof ExponentialHistogramPointData b ->
          minus(n, b);
      default -> now;
    };
  }

  private static @Nullable PointData minus(LongPointData now, LongPointData before) {
    long delta = now.getValue() - before.getValue();
    if (delta < 0) {
      return now;
    }
    return delta == 0
        ? null
        : LongPointData.create(
            before.getEpochNanos(), now.getEpochNanos(), now.getAttributes(), delta);
  }

  private static @Nullable PointData minus(DoublePointData now, DoublePointData before) {
    double delta = now.getValue() - before.getValue();
    if (delta < 0) {
      return now;
    }
    return delta == 0
        ? null
        : DoublePointData.create(
            before.getEpochNanos(), now.getEpochNanos(), now.getAttributes(), delta, List.of());
  }

  private static @Nullable PointData minus(HistogramPointData now, HistogramPointData before) {
    if (now.getCount() < before.getCount() || !now.getBoundaries().equals(before.getBoundaries())) {
      return now;
    }
    if (now.getCount() == before.getCount()) {
      return null;
    }
    List<Long> counts = new ArrayList<>(now.getCounts().size());
    for (int i = 0; i < now.getCounts().size(); i++) {
      counts.add(now.getCounts().get(i) - before.getCounts().get(i));
    }
    return HistogramPointData.create(
        before.getEpochNanos(),
        now.getEpochNanos(),
        now.getAttributes(),
        now.getSum() - before.getSum(),
        false,
        0,
        false,
        0,
        now.getBoundaries(),
        counts);
  }

  private static @Nullable PointData minus(
      ExponentialHistogramPointData now, ExponentialHistogramPointData before) {
    // A scale only ever falls; a finer one means that the series began anew.
    if (now.getCount() < before.getCount() || now.getScale() > before.getScale()) {
      return now;
    }
    if (now.getCount() == before.getCount()) {
      return null;
    }
    return ExponentialHistogramPointData.create(
        now.getScale(),
        now.getSum() - before.getSum(),
        now.getZeroCount() - before.getZeroCount(),
        false,
        0,
        false,
        0,
        minus(now.getPositiveBuckets(), before.getPositiveBuckets()),
        minus(now.getNegativeBuckets(), before.getNegativeBuckets()),
        before.getEpochNanos(),
        now.getEpochNanos(),
        now.getAttributes(),
        List.of());
  }

  private static ExponentialHistogramBuckets minus(
      ExponentialHistogramBuckets now, ExponentialHistogramBuckets before) {
    int coarser = before.getScale() - now.getScale();
    List<Long> counts = new ArrayList<>(now.getBucketCounts());
    for (int i = 0; i < before.getBucketCounts().size(); i++) {
      long count = before.getBucketCounts().get(i);
      if (count != 0) {
        // Merging neighbours halves an index, downwards also below zero.
        int at = ((before.getOffset() + i) >> coarser) - now.getOffset();
        counts.set(at, counts.get(at) - count);
      }
    }
    return ExponentialHistogramBuckets.create(now.getScale(), now.getOffset(), counts);
  }
}
