// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.opentelemetry.sdk.common.InstrumentationScopeInfo;
import io.opentelemetry.sdk.metrics.data.AggregationTemporality;
import io.opentelemetry.sdk.metrics.data.Data;
import io.opentelemetry.sdk.metrics.data.DoublePointData;
import io.opentelemetry.sdk.metrics.data.ExponentialHistogramData;
import io.opentelemetry.sdk.metrics.data.ExponentialHistogramPointData;
import io.opentelemetry.sdk.metrics.data.GaugeData;
import io.opentelemetry.sdk.metrics.data.HistogramData;
import io.opentelemetry.sdk.metrics.data.HistogramPointData;
import io.opentelemetry.sdk.metrics.data.LongPointData;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.metrics.data.MetricDataType;
import io.opentelemetry.sdk.metrics.data.PointData;
import io.opentelemetry.sdk.metrics.data.SumData;
import io.opentelemetry.sdk.resources.Resource;
import java.util.Collection;
import java.util.List;

/** A metric like another, with other points. */
record Metric(MetricData origin, MetricDataType type, Data<?> data) implements MetricData {
  /** What a metric is known by. */
  record Name(String scope, String name) {
    static Name of(MetricData metric) {
      return new Name(metric.getInstrumentationScopeInfo().getName(), metric.getName());
    }
  }

  /** The same metric with some of its points. */
  static MetricData withPoints(MetricData metric, List<? extends PointData> points) {
    return withPoints(metric, points, temporality(metric));
  }

  /**
   * The same metric with points of the same kind, which count from something else.
   *
   * @param temporality ignored where there is none
   */
  @SuppressWarnings("unchecked") // The points are those of the metric, or made of them.
  static MetricData withPoints(
      MetricData metric,
      Collection<? extends PointData> points,
      AggregationTemporality temporality) {
    Data<?> data =
        switch (metric.getType()) {
          case LONG_GAUGE -> GaugeData.createLongGaugeData((Collection<LongPointData>) points);
          case DOUBLE_GAUGE ->
              GaugeData.createDoubleGaugeData((Collection<DoublePointData>) points);
          case LONG_SUM ->
              SumData.createLongSumData(
                  metric.getLongSumData().isMonotonic(),
                  temporality,
                  (Collection<LongPointData>) points);
          case DOUBLE_SUM ->
              SumData.createDoubleSumData(
                  metric.getDoubleSumData().isMonotonic(),
                  temporality,
                  (Collection<DoublePointData>) points);
          case HISTOGRAM ->
              HistogramData.create(temporality, (Collection<HistogramPointData>) points);
          case EXPONENTIAL_HISTOGRAM ->
              ExponentialHistogramData.create(
                  temporality, (Collection<ExponentialHistogramPointData>) points);
          case SUMMARY -> metric.getData();
        };
    return new Metric(metric, metric.getType(), data);
  }

  /** Whether points may be lacking from one collection to the next without a loss. */
  static boolean isLevel(MetricData metric) {
    return switch (metric.getType()) {
      case LONG_GAUGE, DOUBLE_GAUGE, SUMMARY -> true;
      case LONG_SUM, DOUBLE_SUM, HISTOGRAM, EXPONENTIAL_HISTOGRAM -> false;
    };
  }

  static AggregationTemporality temporality(MetricData metric) {
    return switch (metric.getType()) {
      case LONG_SUM -> metric.getLongSumData().getAggregationTemporality();
      case DOUBLE_SUM -> metric.getDoubleSumData().getAggregationTemporality();
      case HISTOGRAM -> metric.getHistogramData().getAggregationTemporality();
      case EXPONENTIAL_HISTOGRAM ->
          metric.getExponentialHistogramData().getAggregationTemporality();
      case LONG_GAUGE, DOUBLE_GAUGE, SUMMARY -> AggregationTemporality.CUMULATIVE;
    };
  }

  @Override
  public Resource getResource() {
    return origin.getResource();
  }

  @Override
  public InstrumentationScopeInfo getInstrumentationScopeInfo() {
    return origin.getInstrumentationScopeInfo();
  }

  @Override
  public String getName() {
    return origin.getName();
  }

  @Override
  public String getDescription() {
    return origin.getDescription();
  }

  @Override
  public String getUnit() {
    return origin.getUnit();
  }

  @Override
  public MetricDataType getType() {
    return type;
  }

  @Override
  public Data<?> getData() {
    return data;
  }
}
