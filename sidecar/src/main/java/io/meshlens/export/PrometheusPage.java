// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.opentelemetry.exporter.prometheus.PrometheusMetricReader;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.metrics.Aggregation;
import io.opentelemetry.sdk.metrics.InstrumentType;
import io.opentelemetry.sdk.metrics.data.AggregationTemporality;
import io.opentelemetry.sdk.metrics.export.CollectionRegistration;
import io.opentelemetry.sdk.metrics.export.MetricReader;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.MetricMetadata;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import io.prometheus.metrics.model.snapshots.NativeHistogramBuckets;
import java.util.ArrayList;
import java.util.List;

/**
 * What a scrape reads: the library's conversion, with two things that it lacks. Exponential
 * histograms, which become native ones, get classic buckets too, for scrapers that know no other.
 * And gauges do not end in {@code _count}, which Prometheus keeps for histograms.
 */
final class PrometheusPage implements MetricReader, MultiCollector {
  private static final String COUNT = "_count";

  private final PrometheusMetricReader reader =
      PrometheusMetricReader.builder()
          .setOtelScopeLabelsEnabled(false)
          .setTargetInfoMetricEnabled(false)
          .build();

  @Override
  public MetricSnapshots collect() {
    List<MetricSnapshot> snapshots = new ArrayList<>();
    for (MetricSnapshot snapshot : reader.collect()) {
      snapshots.add(
          switch (snapshot) {
            case HistogramSnapshot histogram -> withClassicBuckets(histogram);
            case GaugeSnapshot gauge -> withoutReservedSuffix(gauge);
            default -> snapshot;
          });
    }
    return new MetricSnapshots(snapshots);
  }

  private static HistogramSnapshot withClassicBuckets(HistogramSnapshot histogram) {
    List<HistogramDataPointSnapshot> points = new ArrayList<>();
    for (HistogramDataPointSnapshot point : histogram.getDataPoints()) {
      points.add(
          point.hasClassicHistogramData()
              ? point
              : new HistogramDataPointSnapshot(
                  classic(point),
                  point.getNativeSchema(),
                  point.getNativeZeroCount(),
                  point.getNativeZeroThreshold(),
                  point.getNativeBucketsForPositiveValues(),
                  point.getNativeBucketsForNegativeValues(),
                  point.getSum(),
                  point.getLabels(),
                  point.getExemplars(),
                  point.getCreatedTimestampMillis()));
    }
    return new HistogramSnapshot(histogram.getMetadata(), points);
  }

  private static ClassicHistogramBuckets classic(HistogramDataPointSnapshot point) {
    PowerBuckets buckets = new PowerBuckets();
    buckets.addLowest(point.getNativeZeroCount());
    NativeHistogramBuckets negative = point.getNativeBucketsForNegativeValues();
    for (int i = 0; i < negative.size(); i++) {
      buckets.addLowest(negative.getCount(i));
    }
    NativeHistogramBuckets positive = point.getNativeBucketsForPositiveValues();
    for (int i = 0; i < positive.size(); i++) {
      buckets.add(point.getNativeSchema(), positive.getBucketIndex(i), positive.getCount(i));
    }
    List<Double> bounds = new ArrayList<>(PowerBuckets.BOUNDS);
    bounds.add(Double.POSITIVE_INFINITY);
    return ClassicHistogramBuckets.of(bounds, buckets.counts());
  }

  private static GaugeSnapshot withoutReservedSuffix(GaugeSnapshot gauge) {
    MetricMetadata metadata = gauge.getMetadata();
    return metadata.getName().endsWith(COUNT)
        ? new GaugeSnapshot(
            new MetricMetadata(plural(metadata.getName()), metadata.getHelp(), metadata.getUnit()),
            gauge.getDataPoints())
        : gauge;
  }

  /** {@code jvm_classes} for {@code jvm_class_count}. */
  private static String plural(String name) {
    String noun = name.substring(0, name.length() - COUNT.length());
    return noun + (noun.endsWith("s") ? "es" : "s");
  }

  @Override
  public Aggregation getDefaultAggregation(InstrumentType instrumentType) {
    return instrumentType == InstrumentType.HISTOGRAM
        ? Aggregation.base2ExponentialBucketHistogram()
        : Aggregation.defaultAggregation();
  }

  @Override
  public AggregationTemporality getAggregationTemporality(InstrumentType instrumentType) {
    return reader.getAggregationTemporality(instrumentType);
  }

  @Override
  public void register(CollectionRegistration registration) {
    reader.register(registration);
  }

  @Override
  public CompletableResultCode forceFlush() {
    return reader.forceFlush();
  }

  @Override
  public CompletableResultCode shutdown() {
    return reader.shutdown();
  }
}
