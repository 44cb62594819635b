// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static org.assertj.core.api.Assertions.assertThat;

import io.opentelemetry.api.metrics.DoubleHistogram;
import io.opentelemetry.sdk.metrics.data.HistogramPointData;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class PowerBucketsTest {
  @ParameterizedTest
  @ValueSource(doubles = {0, 1e-9, 0.0000152587890625, 0.25, 0.2500001, 1, 1.5, 2, 1024, 1025, 1e9})
  void valueIsInTheBucketThatItsBoundsSay(double value) {
    Collected collected = new Collected();
    collected.meter.histogramBuilder("h").build().record(value);

    HistogramPointData point = explicit(collected);

    int expected = 0;
    while (expected < PowerBuckets.BOUNDS.size() && PowerBuckets.BOUNDS.get(expected) < value) {
      expected++;
    }
    assertThat(point.getCounts().get(expected)).isEqualTo(1);
    assertThat(point.getCount()).isEqualTo(1);
    assertThat(point.getSum()).isEqualTo(value);
  }

  @Test
  void manyValuesAreCountedExactlyAtEveryBound() {
    Collected collected = new Collected();
    DoubleHistogram histogram = collected.meter.histogramBuilder("h").build();
    double[] values = new Random(7).doubles(5000, 0.00001, 50).toArray();
    for (double value : values) {
      histogram.record(value);
    }

    HistogramPointData point = explicit(collected);

    long below = 0;
    for (int i = 0; i < PowerBuckets.BOUNDS.size(); i++) {
      below += point.getCounts().get(i);
      double bound = PowerBuckets.BOUNDS.get(i);
      assertThat(below)
          .as("up to %s", bound)
          .isEqualTo(java.util.Arrays.stream(values).filter(value -> value <= bound).count());
    }
  }

  private static HistogramPointData explicit(Collected collected) {
    MetricData metric =
        collected.now().stream()
            .filter(each -> each.getName().equals("h"))
            .findFirst()
            .orElseThrow();
    return PowerBuckets.explicit(metric).getHistogramData().getPoints().iterator().next();
  }

  @Test
  void prometheusGetsNativeAndClassicBucketsOfOneHistogram() {
    PrometheusPage page = new PrometheusPage();
    DoubleHistogram histogram =
        io.opentelemetry.sdk.metrics.SdkMeterProvider.builder()
            .registerMetricReader(page)
            .build()
            .get("test")
            .histogramBuilder("h")
            .setUnit("s")
            .build();
    histogram.record(0.3);
    histogram.record(3);

    HistogramSnapshot snapshot = (HistogramSnapshot) page.collect().get(0);

    assertThat(snapshot.getMetadata().getName()).isEqualTo("h_seconds");
    assertThat(snapshot.getDataPoints())
        .singleElement()
        .satisfies(
            point -> {
              assertThat(point.hasNativeHistogramData()).isTrue();
              assertThat(point.getCount()).isEqualTo(2);
              assertThat(point.getSum()).isEqualTo(3.3);
              assertThat(
                      point.getClassicBuckets().stream()
                          .filter(bucket -> bucket.getCount() > 0)
                          .map(bucket -> bucket.getUpperBound()))
                  .containsExactly(0.5, 4.0);
            });
  }
}
