// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.export.OtlpConfig.Histograms;
import io.meshlens.export.OtlpConfig.Temporality;
import io.meshlens.flow.Transport;
import io.meshlens.metrics.Counts;
import io.meshlens.metrics.DurationSeries;
import io.meshlens.metrics.Histogram;
import io.meshlens.metrics.HistogramSnapshot;
import io.meshlens.metrics.LabelSet;
import io.meshlens.metrics.Labelled;
import io.meshlens.metrics.MeshMetric;
import io.meshlens.metrics.MeshMetric.Kind;
import io.meshlens.metrics.MeshMetric.Part;
import io.meshlens.metrics.Quantity;
import io.meshlens.metrics.Series;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The points of series as objects of OpenTelemetry's SDK, whose exporter encodes them: a second
 * source of what {@link MeshPoints} writes. It remembers by itself what was taken.
 */
final class SdkPoints {
  private static final InstrumentationScopeInfo SCOPE = InstrumentationScopeInfo.create("meshlens");

  private record Point(
      Resource getResource,
      InstrumentationScopeInfo getInstrumentationScopeInfo,
      String getName,
      String getDescription,
      String getUnit,
      MetricDataType getType,
      Data<?> getData)
      implements MetricData {}

  /** Of one metric of a series. */
  private record Key(Labelled series, MeshMetric metric) {}

  private record Taken(Object numbers, long untilEpochNs) {}

  private final Resource resource;
  private final Temporality temporality;
  private final Histograms histograms;
  private final Map<Key, Taken> taken = new HashMap<>();
  private final Map<Key, Object> sent = new HashMap<>();
  private final Map<Labelled, Long> takenUntil = new HashMap<>();
  private List<? extends Labelled> asked = List.of();

  SdkPoints(Resource resource, Temporality temporality, Histograms histograms) {
    this.resource = resource;
    this.temporality = temporality;
    this.histograms = histograms;
  }

  /** The points that were made last have arrived. */
  void take(long nowEpochNs) {
    sent.forEach((key, numbers) -> taken.put(key, new Taken(numbers, nowEpochNs)));
    asked.forEach(series -> takenUntil.put(series, nowEpochNs));
  }

  private MetricData metric(MeshMetric metric, MetricDataType type, Data<?> data) {
    return new Point(
        resource, SCOPE, metric.metricName(), metric.help(), metric.unit(), type, data);
  }

  List<MetricData> sums(List<MeshMetric> metrics, List<Series> series, long nowEpochNs) {
    sent.clear();
    asked = series;
    List<MetricData> made = new ArrayList<>();
    for (MeshMetric metric : metrics) {
      boolean isDelta = temporality == Temporality.DELTA && metric.kind() == Kind.COUNTER;
      List<LongPointData> points = new ArrayList<>();
      for (Series one : series) {
        Key key = new Key(one, metric);
        Counts now = one.counts();
        sent.put(key, now);
        Taken before = isDelta ? taken.get(key) : null;
        addPoints(points, metric, one, now, before, isDelta, nowEpochNs);
      }
      if (!points.isEmpty()) {
        made.add(
            metric(
                metric,
                MetricDataType.LONG_SUM,
                SumData.createLongSumData(
                    metric.kind() == Kind.COUNTER,
                    isDelta ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
                    points)));
      }
    }
    return made;
  }

  private static void addPoints(
      List<LongPointData> points,
      MeshMetric metric,
      Series series,
      Counts now,
      @Nullable Taken before,
      boolean isDelta,
      long nowEpochNs) {
    Counts earlier = before == null ? Counts.ZERO : (Counts) before.numbers;
    long start = Math.min(before == null ? series.startEpochNs() : before.untilEpochNs, nowEpochNs);
    for (Part part : metric.parts()) {
      if (part.isByError()) {
        Map<String, Long> old = new HashMap<>();
        earlier.failures().forEach(failures -> old.put(failures.type(), failures.count()));
        for (Counts.Failures failures : now.failures()) {
          long value = failures.count() - old.getOrDefault(failures.type(), 0L);
          if (value != 0) {
            Attributes all = attributes(series.labels(), part.attribute(), failures.type());
            points.add(LongPointData.create(start, nowEpochNs, all, value));
          }
        }
        continue;
      }
      long value =
          now.get(part.quantity(), series.reporter())
              - earlier.get(part.quantity(), series.reporter());
      boolean tellsZero =
          !isDelta
              && (metric.transport() == Transport.UDP || now.isConnected())
              && part.quantity() != Quantity.FAILED;
      if (value != 0 || tellsZero) {
        Attributes all = attributes(series.labels(), part.attribute(), part.value());
        points.add(LongPointData.create(start, nowEpochNs, all, value));
      }
    }
  }

  private static Attributes attributes(LabelSet labels, String name, String value) {
    AttributesBuilder all = Attributes.builder();
    List<String> names = labels.shape().names();
    for (int i = 0; i < labels.size(); i++) {
      if (labels.value(i) instanceof Long number) {
        all.put(names.get(i), number);
      } else if (!labels.value(i).equals("")) {
        all.put(names.get(i), labels.value(i).toString());
      }
    }
    if (!value.isEmpty()) {
      all.put(name, value);
    }
    if (labels.isOverflow()) {
      all.put("otel.metric.overflow", true);
    }
    return all.build();
  }

  List<MetricData> durations(
      List<MeshMetric> metrics, List<DurationSeries> series, long nowEpochNs) {
    sent.clear();
    asked = series;
    boolean delta = temporality != Temporality.CUMULATIVE;
    List<MetricData> made = new ArrayList<>();
    for (MeshMetric metric : metrics) {
      List<ExponentialHistogramPointData> points = new ArrayList<>();
      for (DurationSeries one : series) {
        Key key = new Key(one, metric);
        one.histogram(metric.timing().orElseThrow())
            .map(Histogram::snapshot)
            .ifPresent(
                now -> {
                  sent.put(key, now);
                  Taken before = delta ? taken.get(key) : null;
                  long start =
                      delta ? takenUntil.getOrDefault(one, one.startEpochNs()) : one.startEpochNs();
                  addPoint(points, one, now, before, start, nowEpochNs);
                });
      }
      if (!points.isEmpty()) {
        MetricData exponential =
            metric(
                metric,
                MetricDataType.EXPONENTIAL_HISTOGRAM,
                ExponentialHistogramData.create(
                    delta ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
                    points));
        made.add(
            histograms == Histograms.EXPLICIT ? PowerBuckets.explicit(exponential) : exponential);
      }
    }
    return made;
  }

  private static void addPoint(
      List<ExponentialHistogramPointData> points,
      DurationSeries series,
      HistogramSnapshot now,
      @Nullable Taken before,
      long startEpochNs,
      long nowEpochNs) {
    HistogramSnapshot histogram =
        before == null ? now : now.since((HistogramSnapshot) before.numbers);
    if (histogram.count() == 0) {
      return;
    }
    points.add(
        ExponentialHistogramPointData.create(
            histogram.scale(),
            histogram.sumSeconds(),
            histogram.zeroes(),
            before == null,
            histogram.leastSeconds(),
            before == null,
            histogram.mostSeconds(),
            buckets(histogram),
            ExponentialHistogramBuckets.create(histogram.scale(), 0, List.of()),
            Math.min(startEpochNs, nowEpochNs),
            nowEpochNs,
            attributes(series.labels(), "", ""),
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
