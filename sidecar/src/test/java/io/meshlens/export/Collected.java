// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.metrics.Aggregation;
import io.opentelemetry.sdk.metrics.InstrumentType;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.data.AggregationTemporality;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.metrics.export.CollectionRegistration;
import io.opentelemetry.sdk.metrics.export.MetricReader;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What the SDK collects, of series that come and go. */
final class Collected implements MetricReader {
  /** Of an asynchronous counter {@code sums}; a series that is not here is not collected. */
  final Map<String, Long> sums = new TreeMap<>();

  private final Aggregation histograms;
  private CollectionRegistration registration = CollectionRegistration.noop();
  final Meter meter;

  Collected(Aggregation histograms) {
    this.histograms = histograms;
    meter = SdkMeterProvider.builder().registerMetricReader(this).build().get("test");
    meter
        .counterBuilder("sums")
        .buildWithCallback(
            m ->
                sums.forEach(
                    (name, value) ->
                        m.record(value, Attributes.builder().put("name", name).build())));
  }

  Collected() {
    this(Aggregation.base2ExponentialBucketHistogram());
  }

  List<MetricData> now() {
    return List.copyOf(registration.collectAllMetrics());
  }

  /** Sums by series, of some metrics. */
  static Map<String, Long> sums(List<MetricData> metrics) {
    Map<String, Long> values = new TreeMap<>();
    for (MetricData metric : metrics) {
      metric
          .getLongSumData()
          .getPoints()
          .forEach(
              point ->
                  values.merge(
                      String.valueOf(
                          point
                              .getAttributes()
                              .get(io.opentelemetry.api.common.AttributeKey.stringKey("name"))),
                      point.getValue(),
                      Long::sum));
    }
    return values;
  }

  @Override
  public void register(CollectionRegistration collectionRegistration) {
    registration = collectionRegistration;
  }

  @Override
  public Aggregation getDefaultAggregation(InstrumentType instrumentType) {
    return instrumentType == InstrumentType.HISTOGRAM
        ? histograms
        : Aggregation.defaultAggregation();
  }

  @Override
  public AggregationTemporality getAggregationTemporality(InstrumentType instrumentType) {
    return AggregationTemporality.CUMULATIVE;
  }

  @Override
  public CompletableResultCode forceFlush() {
    return CompletableResultCode.ofSuccess();
  }

  @Override
  public CompletableResultCode shutdown() {
    return CompletableResultCode.ofSuccess();
  }
}
