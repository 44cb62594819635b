// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static io.meshlens.export.ProtoBytes.FIXED64;
import static io.meshlens.export.ProtoBytes.LENGTH_DELIMITED;
import static io.meshlens.export.ProtoBytes.tag;

import io.meshlens.metrics.HistogramSnapshot;
import io.meshlens.metrics.MeshMetric;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.InstrumentationScope;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.metrics.v1.AggregationTemporality;
import io.opentelemetry.proto.metrics.v1.ExponentialHistogramDataPoint;
import io.opentelemetry.proto.metrics.v1.HistogramDataPoint;
import io.opentelemetry.proto.metrics.v1.Metric;
import io.opentelemetry.proto.metrics.v1.NumberDataPoint;
import io.opentelemetry.proto.metrics.v1.ResourceMetrics;
import io.opentelemetry.proto.metrics.v1.ScopeMetrics;
import io.opentelemetry.proto.metrics.v1.Sum;
import io.opentelemetry.proto.resource.v1.Resource;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An {@code ExportMetricsServiceRequest} of one resource and scope, written without an object for
 * each point. Owned by: export-otlp.
 */
final class MetricsRequest {
  private static final int RESOURCE_METRICS =
      tag(ExportMetricsServiceRequest.RESOURCE_METRICS_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int SCOPE_METRICS =
      tag(ResourceMetrics.SCOPE_METRICS_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int METRIC = tag(ScopeMetrics.METRICS_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int NAME = tag(Metric.NAME_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int DESCRIPTION = tag(Metric.DESCRIPTION_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int UNIT = tag(Metric.UNIT_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int IS_MONOTONIC = tag(Sum.IS_MONOTONIC_FIELD_NUMBER, ProtoBytes.VARINT);

  // The same of every kind of metric and point.
  private static final int POINT = tag(Sum.DATA_POINTS_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int TEMPORALITY =
      tag(Sum.AGGREGATION_TEMPORALITY_FIELD_NUMBER, ProtoBytes.VARINT);
  private static final int START = tag(NumberDataPoint.START_TIME_UNIX_NANO_FIELD_NUMBER, FIXED64);
  private static final int TIME = tag(NumberDataPoint.TIME_UNIX_NANO_FIELD_NUMBER, FIXED64);
  private static final int COUNT = tag(HistogramDataPoint.COUNT_FIELD_NUMBER, FIXED64);
  private static final int SUM = tag(HistogramDataPoint.SUM_FIELD_NUMBER, FIXED64);

  private static final int VALUE = tag(NumberDataPoint.AS_INT_FIELD_NUMBER, FIXED64);

  private static final int MIN = tag(HistogramDataPoint.MIN_FIELD_NUMBER, FIXED64);
  private static final int MAX = tag(HistogramDataPoint.MAX_FIELD_NUMBER, FIXED64);
  private static final int COUNTS =
      tag(HistogramDataPoint.BUCKET_COUNTS_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int BOUNDS =
      tag(HistogramDataPoint.EXPLICIT_BOUNDS_FIELD_NUMBER, LENGTH_DELIMITED);

  private static final int SCALE =
      tag(ExponentialHistogramDataPoint.SCALE_FIELD_NUMBER, ProtoBytes.VARINT);
  private static final int ZERO_COUNT =
      tag(ExponentialHistogramDataPoint.ZERO_COUNT_FIELD_NUMBER, FIXED64);
  private static final int POSITIVE =
      tag(ExponentialHistogramDataPoint.POSITIVE_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int NEGATIVE =
      tag(ExponentialHistogramDataPoint.NEGATIVE_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int EXPONENTIAL_MIN =
      tag(ExponentialHistogramDataPoint.MIN_FIELD_NUMBER, FIXED64);
  private static final int EXPONENTIAL_MAX =
      tag(ExponentialHistogramDataPoint.MAX_FIELD_NUMBER, FIXED64);
  private static final int OFFSET =
      tag(ExponentialHistogramDataPoint.Buckets.OFFSET_FIELD_NUMBER, ProtoBytes.VARINT);
  private static final int BUCKET_COUNTS =
      tag(ExponentialHistogramDataPoint.Buckets.BUCKET_COUNTS_FIELD_NUMBER, LENGTH_DELIMITED);

  /** Of a tag below 16 and its 64 bits. */
  private static final int FIXED64_FIELD_BYTES = 1 + Long.BYTES;

  /** The field of a metric that its points are in, and the points' field for attributes. */
  enum Kind {
    SUM(Metric.SUM_FIELD_NUMBER, NumberDataPoint.ATTRIBUTES_FIELD_NUMBER),
    EXPLICIT_HISTOGRAM(Metric.HISTOGRAM_FIELD_NUMBER, HistogramDataPoint.ATTRIBUTES_FIELD_NUMBER),
    EXPONENTIAL_HISTOGRAM(
        Metric.EXPONENTIAL_HISTOGRAM_FIELD_NUMBER,
        ExponentialHistogramDataPoint.ATTRIBUTES_FIELD_NUMBER);

    private final int tag;
    private final int attributes;

    Kind(int field, int attributes) {
      tag = tag(field, LENGTH_DELIMITED);
      this.attributes = attributes;
    }

    AttributeBytes attributes() {
      return new AttributeBytes(attributes);
    }
  }

  private final byte[] resource;
  private final byte[] scope;
  private final ProtoBytes out = new ProtoBytes(1 << 16);
  private int resourceMetrics;
  private int scopeMetrics;
  private int points;

  // The metric that is being written.
  private int metricAt;
  private int metric;
  private int data;
  private int pointsBefore;

  MetricsRequest(io.opentelemetry.sdk.resources.Resource resource, String scope) {
    Resource.Builder about = Resource.newBuilder();
    resource.getAttributes().forEach((key, value) -> about.addAttributes(attribute(key, value)));
    ResourceMetrics.Builder metrics = ResourceMetrics.newBuilder().setResource(about);
    @Nullable String schemaUrl = resource.getSchemaUrl();
    if (schemaUrl != null) {
      metrics.setSchemaUrl(schemaUrl);
    }
    this.resource = metrics.build().toByteArray();
    this.scope =
        ScopeMetrics.newBuilder()
            .setScope(InstrumentationScope.newBuilder().setName(scope))
            .build()
            .toByteArray();
  }

  private static KeyValue attribute(AttributeKey<?> key, Object value) {
    AnyValue.Builder any = AnyValue.newBuilder();
    switch (value) {
      case String text -> any.setStringValue(text);
      case Long number -> any.setIntValue(number);
      case Boolean flag -> any.setBoolValue(flag);
      case Double number -> any.setDoubleValue(number);
      default ->
          throw new IllegalArgumentException(
              "%s of a resource has values of type %s, expected one text, number or truth value"
                  .formatted(key.getKey(), key.getType()));
    }
    return KeyValue.newBuilder().setKey(key.getKey()).setValue(any).build();
  }

  /** Begins a request without points. */
  void begin() {
    out.clear();
    points = 0;
    resourceMetrics = out.open(RESOURCE_METRICS, ProtoBytes.VERY_LONG);
    out.raw(resource);
    scopeMetrics = out.open(SCOPE_METRICS, ProtoBytes.VERY_LONG);
    out.raw(scope);
  }

  /** Points so far. */
  int points() {
    return points;
  }

  /**
   * It will not have less: what follows adds to it. But a metric without points will not be in it,
   * and four lengths may still get shorter.
   */
  int leastBytes() {
    return (points == pointsBefore ? metricAt : out.length()) - 4 * 2;
  }

  byte[] finish() {
    out.close(scopeMetrics);
    out.close(resourceMetrics);
    return out.toByteArray();
  }

  /** Begins a metric, whose points follow. */
  void open(MeshMetric about, Kind kind) {
    metricAt = out.length();
    pointsBefore = points;
    metric = out.open(METRIC, ProtoBytes.VERY_LONG);
    out.text(NAME, about.metricName());
    out.text(DESCRIPTION, about.help());
    out.text(UNIT, about.unit());
    data = out.open(kind.tag, ProtoBytes.VERY_LONG);
  }

  void closeSum(AggregationTemporality temporality, boolean monotonic) {
    out.count(IS_MONOTONIC, monotonic ? 1 : 0);
    closeHistogram(temporality);
  }

  /** Ends the metric; as if it had never begun when it has no point. */
  void closeHistogram(AggregationTemporality temporality) {
    if (points == pointsBefore) {
      out.skipTo(metricAt);
      return;
    }
    out.count(TEMPORALITY, temporality.getNumber());
    out.close(data);
    out.close(metric);
  }

  /**
   * A point of a sum.
   *
   * @param set number of its label set
   * @param part further attributes
   * @param last and those behind them
   */
  void number(
      AttributeBytes attributes,
      int set,
      byte[] part,
      byte[] last,
      long startEpochNs,
      long epochNs,
      long value) {
    points++;
    out.varint(POINT);
    out.varint(3 * FIXED64_FIELD_BYTES + attributes.lengthBytes(set) + part.length + last.length);
    fixed64(START, startEpochNs);
    fixed64(TIME, epochNs);
    fixed64(VALUE, value);
    attributes.writeTo(out, set);
    out.raw(part);
    out.raw(last);
  }

  /**
   * A point of a histogram.
   *
   * @param kind as the metric was opened
   * @param isWhole whether it counts from the beginning, so that least and most are known
   */
  void histogram(
      Kind kind,
      AttributeBytes attributes,
      int set,
      byte[] last,
      long startEpochNs,
      long epochNs,
      HistogramSnapshot histogram,
      boolean isWhole) {
    points++;
    int point = out.open(POINT, ProtoBytes.LONG);
    fixed64(START, startEpochNs);
    fixed64(TIME, epochNs);
    fixed64(COUNT, histogram.count());
    number(SUM, histogram.sumSeconds());
    boolean exponential = kind == Kind.EXPONENTIAL_HISTOGRAM;
    if (exponential) {
      exponential(histogram);
    } else {
      explicit(histogram);
    }
    if (isWhole) {
      number(exponential ? EXPONENTIAL_MIN : MIN, histogram.leastSeconds());
      number(exponential ? EXPONENTIAL_MAX : MAX, histogram.mostSeconds());
    }
    attributes.writeTo(out, set);
    out.raw(last);
    out.close(point);
  }

  private void exponential(HistogramSnapshot histogram) {
    out.count(SCALE, zigZag(histogram.scale()));
    if (histogram.zeroes() != 0) {
      fixed64(ZERO_COUNT, histogram.zeroes());
    }
    int positive = out.open(POSITIVE, ProtoBytes.LONG);
    buckets(histogram.first(), histogram.counts());
    out.close(positive);
    out.close(out.open(NEGATIVE, ProtoBytes.SHORT));
  }

  /** Without the empty ones at both ends. */
  private void buckets(int first, long[] counts) {
    int from = 0;
    int to = counts.length;
    while (from < to && counts[from] == 0) {
      from++;
    }
    while (to > from && counts[to - 1] == 0) {
      to--;
    }
    if (from == to) {
      return;
    }
    out.count(OFFSET, zigZag(first + from));
    int packed = out.open(BUCKET_COUNTS, ProtoBytes.SHORT);
    for (int i = from; i < to; i++) {
      out.varint(counts[i]);
    }
    out.close(packed);
  }

  private void explicit(HistogramSnapshot histogram) {
    List<Long> counts = PowerBuckets.of(histogram).counts();
    out.varint(COUNTS);
    out.varint((long) counts.size() * Long.BYTES);
    counts.forEach(out::fixed64);
    out.varint(BOUNDS);
    out.varint((long) PowerBuckets.BOUNDS.size() * Double.BYTES);
    PowerBuckets.BOUNDS.forEach(bound -> out.fixed64(Double.doubleToRawLongBits(bound)));
  }

  private void fixed64(int tag, long value) {
    out.varint(tag);
    out.fixed64(value);
  }

  private void number(int tag, double value) {
    fixed64(tag, Double.doubleToRawLongBits(value));
  }

  /** As {@code sint32} is written. */
  private static long zigZag(int value) {
    return (value << 1 ^ value >> 31) & 0xffff_ffffL;
  }
}
