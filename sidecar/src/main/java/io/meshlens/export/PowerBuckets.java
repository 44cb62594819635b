// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.metrics.HistogramSnapshot;
import io.opentelemetry.sdk.metrics.data.ExponentialHistogramBuckets;
import io.opentelemetry.sdk.metrics.data.ExponentialHistogramData;
import io.opentelemetry.sdk.metrics.data.ExponentialHistogramPointData;
import io.opentelemetry.sdk.metrics.data.HistogramData;
import io.opentelemetry.sdk.metrics.data.HistogramPointData;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.metrics.data.MetricDataType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Buckets with bounds at powers of two, for those who cannot read exponential histograms. Those
 * bounds are bounds of an exponential histogram too, whatever its scale from 0 up, so that counts
 * stay exact.
 */
final class PowerBuckets {
  /** Bounds are seconds: from 15 microseconds to 17 minutes. */
  private static final int FIRST_POWER = -16;

  private static final int LAST_POWER = 10;

  static final List<Double> BOUNDS =
      IntStream.rangeClosed(FIRST_POWER, LAST_POWER)
          .mapToObj(power -> Math.scalb(1.0, power))
          .toList();

  /** Not cumulative; the last one is for what lies above the last bound. */
  private final long[] counts = new long[BOUNDS.size() + 1];

  /** Adds what is not positive, which is below every bound. */
  void addLowest(long count) {
    counts[0] += count;
  }

  /**
   * Adds a bucket.
   *
   * @param upperIndex the bucket's upper bound is two to the power of this by 2 to the scale
   */
  void add(int scale, int upperIndex, long count) {
    // The least whole power that is not below the bucket's upper bound.
    int power = scale >= 0 ? -Math.floorDiv(-upperIndex, 1 << scale) : upperIndex << -scale;
    counts[Math.clamp(power - (long) FIRST_POWER, 0, counts.length - 1)] += count;
  }

  List<Long> counts() {
    return Arrays.stream(counts).boxed().toList();
  }

  static PowerBuckets of(HistogramSnapshot histogram) {
    PowerBuckets buckets = new PowerBuckets();
    buckets.addLowest(histogram.zeroes());
    long[] each = histogram.counts();
    for (int i = 0; i < each.length; i++) {
      buckets.add(histogram.scale(), histogram.first() + i + 1, each[i]);
    }
    return buckets;
  }

  /** A metric with exponential histograms as one with bounds; others are left alone. */
  static MetricData explicit(MetricData metric) {
    if (metric.getType() != MetricDataType.EXPONENTIAL_HISTOGRAM) {
      return metric;
    }
    ExponentialHistogramData data = metric.getExponentialHistogramData();
    List<HistogramPointData> points = new ArrayList<>();
    for (ExponentialHistogramPointData point : data.getPoints()) {
      PowerBuckets buckets = new PowerBuckets();
      buckets.addLowest(point.getZeroCount() + point.getNegativeBuckets().getTotalCount());
      ExponentialHistogramBuckets positive = point.getPositiveBuckets();
      List<Long> each = positive.getBucketCounts();
      for (int i = 0; i < each.size(); i++) {
        buckets.add(point.getScale(), positive.getOffset() + i + 1, each.get(i));
      }
      points.add(
          HistogramPointData.create(
              point.getStartEpochNanos(),
              point.getEpochNanos(),
              point.getAttributes(),
              point.getSum(),
              point.hasMin(),
              point.getMin(),
              point.hasMax(),
              point.getMax(),
              BOUNDS,
              buckets.counts()));
    }
    return new Metric(
        metric,
        MetricDataType.HISTOGRAM,
        HistogramData.create(data.getAggregationTemporality(), points));
  }
}
