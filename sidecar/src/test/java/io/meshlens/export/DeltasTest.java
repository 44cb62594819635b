// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import io.meshlens.export.OtlpConfig.Temporality;
import io.opentelemetry.api.metrics.DoubleHistogram;
import io.opentelemetry.sdk.metrics.Aggregation;
import io.opentelemetry.sdk.metrics.data.AggregationTemporality;
import io.opentelemetry.sdk.metrics.data.ExponentialHistogramPointData;
import io.opentelemetry.sdk.metrics.data.HistogramPointData;
import io.opentelemetry.sdk.metrics.data.MetricData;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class DeltasTest {
  private final Collected collected = new Collected();
  private final Deltas deltas = new Deltas(Temporality.DELTA);

  @Test
  void firstDifferenceIsTheWholeAndALaterOneTheRest() {
    collected.sums.putAll(Map.of("a", 7L, "b", 3L));
    List<MetricData> first = collected.now();
    List<MetricData> sent = deltas.of(first);

    assertThat(Collected.sums(sent)).isEqualTo(Map.of("a", 7L, "b", 3L));
    assertThat(sent.getFirst().getLongSumData().getAggregationTemporality())
        .isEqualTo(AggregationTemporality.DELTA);
    deltas.confirm(first, 1);

    collected.sums.put("a", 12L);
    List<MetricData> second = collected.now();
    assertThat(Collected.sums(deltas.of(second))).isEqualTo(Map.of("a", 5L));
    assertThat(deltas.of(second).getFirst().getLongSumData().getPoints())
        .singleElement()
        .satisfies(
            point ->
                assertThat(point.getStartEpochNanos())
                    .isEqualTo(
                        first.getFirst().getData().getPoints().iterator().next().getEpochNanos()));
  }

  @Test
  void whatWasNotConfirmedIsInTheNextDifference() {
    collected.sums.put("a", 7L);
    List<MetricData> first = collected.now();
    deltas.of(first);
    deltas.confirm(first, 1);
    collected.sums.put("a", 10L);
    deltas.of(collected.now());
    collected.sums.put("a", 14L);

    assertThat(Collected.sums(deltas.of(collected.now()))).isEqualTo(Map.of("a", 7L));
  }

  @Test
  void withoutAChangeNothingIsSent() {
    collected.sums.put("a", 7L);
    List<MetricData> first = collected.now();
    deltas.confirm(first, 1);

    assertThat(deltas.of(collected.now())).isEmpty();
  }

  @Test
  void sumThatBeganAnewCountsAsAWhole() {
    collected.sums.put("a", 7L);
    deltas.confirm(collected.now(), 1);
    collected.sums.put("a", 2L);

    assertThat(Collected.sums(deltas.of(collected.now()))).isEqualTo(Map.of("a", 2L));
  }

  @Test
  void seriesThatIsGoneIsForgottenAfterAFullPush() {
    collected.sums.put("a", 7L);
    deltas.confirm(collected.now(), 1);
    collected.sums.clear();
    deltas.confirm(collected.now(), 2);
    deltas.forgetBefore(2);
    collected.sums.put("a", 9L);

    assertThat(Collected.sums(deltas.of(collected.now()))).isEqualTo(Map.of("a", 9L));
  }

  @Test
  void differencesOfExponentialHistogramsAddUpWhateverTheScale() {
    DoubleHistogram histogram = collected.meter.histogramBuilder("h").build();
    histogram.record(0.5);
    histogram.record(0.7);
    List<MetricData> first = collected.now();
    deltas.confirm(first, 1);
    int fine = exponential(first).getScale();
    histogram.record(0.75);
    histogram.record(1000.0);
    histogram.record(0);

    ExponentialHistogramPointData delta = exponential(deltas.of(collected.now()));

    assertThat(delta.getScale()).isLessThan(fine);
    assertThat(delta.getCount()).isEqualTo(3);
    assertThat(delta.getZeroCount()).isEqualTo(1);
    assertThat(delta.getSum()).isCloseTo(1000.75, within(1e-9));
    assertThat(delta.getPositiveBuckets().getBucketCounts()).allMatch(count -> count >= 0);
    assertThat(delta.getPositiveBuckets().getTotalCount()).isEqualTo(2);
  }

  private static ExponentialHistogramPointData exponential(List<MetricData> metrics) {
    return metrics.stream()
        .filter(metric -> metric.getName().equals("h"))
        .findFirst()
        .orElseThrow()
        .getExponentialHistogramData()
        .getPoints()
        .iterator()
        .next();
  }

  @Test
  void differencesOfExplicitHistogramsAreOfEachBucket() {
    Collected explicit = new Collected(Aggregation.defaultAggregation());
    DoubleHistogram histogram =
        explicit
            .meter
            .histogramBuilder("h")
            .setExplicitBucketBoundariesAdvice(List.of(1.0, 2.0))
            .build();
    histogram.record(0.5);
    deltas.confirm(explicit.now(), 1);
    histogram.record(0.5);
    histogram.record(5);

    HistogramPointData delta =
        deltas.of(explicit.now()).getFirst().getHistogramData().getPoints().iterator().next();

    assertThat(delta.getCounts()).containsExactly(1L, 0L, 1L);
    assertThat(delta.getSum()).isEqualTo(5.5);
  }

  @Test
  void lowMemoryLeavesSumsCumulative() {
    Deltas low = new Deltas(Temporality.LOWMEMORY);
    collected.meter.histogramBuilder("h").build().record(1);
    collected.sums.put("a", 7L);

    assertThat(low.of(collected.now()))
        .extracting(MetricData::getName, Metric::temporality)
        .containsExactlyInAnyOrder(
            tuple("sums", AggregationTemporality.CUMULATIVE),
            tuple("h", AggregationTemporality.DELTA));
  }
}
