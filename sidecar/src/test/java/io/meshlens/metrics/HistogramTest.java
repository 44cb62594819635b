// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

final class HistogramTest {
  private final Histogram histogram = new Histogram();

  private static void assertSamplesAreInTheirBuckets(HistogramSnapshot snapshot, long[] samples) {
    long[] expected = new long[snapshot.counts().length];
    double base = Math.pow(2, Math.pow(2, -snapshot.scale()));
    for (long sample : samples) {
      int index = Histogram.index(sample, snapshot.scale());
      expected[index - snapshot.first()]++;
      assertThat(sample / 1e9)
          .isGreaterThan(Math.pow(base, index) * (1 - 1e-12))
          .isLessThanOrEqualTo(Math.pow(base, index + 1) * (1 + 1e-12));
    }
    assertThat(snapshot.counts()).isEqualTo(expected);
  }

  @Test
  void emptyHistogramHasNothing() {
    HistogramSnapshot snapshot = histogram.snapshot();

    assertThat(snapshot.count()).isZero();
    assertThat(snapshot.counts()).isEmpty();
    assertThat(snapshot.leastSeconds()).isZero();
  }

  @Test
  void fixedBoundsIncludeTheirValue() {
    histogram.record(TimeUnit.MILLISECONDS.toNanos(5));
    histogram.record(TimeUnit.MILLISECONDS.toNanos(5) + 1);
    histogram.record(TimeUnit.DAYS.toNanos(9));
    histogram.record(-3);

    long[] fixed = histogram.snapshot().fixed();

    assertThat(Histogram.boundsSeconds()[5]).isEqualTo(0.005);
    assertThat(fixed[5]).isEqualTo(1);
    assertThat(fixed[6]).isEqualTo(1);
    assertThat(fixed[fixed.length - 1]).isEqualTo(1);
    assertThat(fixed[0]).isEqualTo(1);
    assertThat(histogram.snapshot().zeroes()).isEqualTo(1);
    assertThat(histogram.snapshot().count()).isEqualTo(4);
  }

  @Test
  void powersOfTwoAreTheUpperBoundOfTheirBucket() {
    assertThat(Histogram.index(1_000_000_000L, 0)).isEqualTo(-1);
    assertThat(Histogram.index(2_000_000_000L, 0)).isZero();
    assertThat(Histogram.index(2_000_000_000L, 3)).isEqualTo(7);
    assertThat(Histogram.index(500_000_000L, 3)).isEqualTo(-9);
    assertThat(Histogram.index(1_000_000_001L, 0)).isZero();
  }

  @Test
  void bucketsGetCoarserInsteadOfMore() {
    Random random = new Random(5);
    long[] samples = new long[5_000];
    for (int i = 0; i < samples.length; i++) {
      samples[i] = 1 + (random.nextLong() >>> (1 + random.nextInt(62)));
      histogram.record(samples[i]);
    }

    HistogramSnapshot snapshot = histogram.snapshot();

    assertThat(snapshot.counts().length).isLessThanOrEqualTo(Histogram.MAX_BUCKETS);
    assertThat(snapshot.scale()).isZero();
    assertThat(Arrays.stream(snapshot.counts()).sum()).isEqualTo(samples.length);
    assertThat(snapshot.count()).isEqualTo(samples.length);
  }

  @Test
  void aNarrowRangeKeepsTheFinestBuckets() {
    long[] samples = new Random(2).longs(1_000, 100_000, 50_000_000).toArray();
    for (long sample : samples) {
      histogram.record(sample);
    }

    HistogramSnapshot snapshot = histogram.snapshot();

    assertThat(snapshot.scale()).isEqualTo(Histogram.FINEST_SCALE);
    assertSamplesAreInTheirBuckets(snapshot, samples);
    assertThat(snapshot.sumSeconds())
        .isCloseTo(Arrays.stream(samples).sum() / 1e9, Offset.offset(1e-9));
    assertThat(snapshot.leastSeconds()).isEqualTo(Arrays.stream(samples).min().orElseThrow() / 1e9);
  }

  @Test
  void whatCameSinceIsRightEvenWhenBucketsGotCoarserMeanwhile() {
    histogram.record(1_000_000);
    histogram.record(1_100_000);
    HistogramSnapshot before = histogram.snapshot();
    histogram.record(3);
    histogram.record(9_000_000_000_000L);

    HistogramSnapshot since = histogram.snapshot().since(before);

    assertThat(since.count()).isEqualTo(2);
    assertThat(Arrays.stream(since.counts()).sum()).isEqualTo(2);
    assertThat(Arrays.stream(since.counts()).min()).hasValue(0);
    assertThat(Arrays.stream(since.fixed()).sum()).isEqualTo(2);
    assertThat(since.sumSeconds()).isCloseTo(9_000.000000003, Offset.offset(1e-9));
  }

  @Test
  void aSnapshotIsNeverTakenInTheMiddleOfASample() throws Exception {
    AtomicBoolean ending = new AtomicBoolean();
    Thread recording =
        Thread.ofPlatform()
            .start(
                () -> {
                  Random random = new Random(1);
                  while (!ending.get()) {
                    histogram.record(1 + (random.nextLong() >>> (10 + random.nextInt(50))));
                  }
                });
    for (int i = 0; i < 20_000; i++) {
      HistogramSnapshot snapshot = histogram.snapshot();
      assertThat(Arrays.stream(snapshot.counts()).sum() + snapshot.zeroes())
          .isEqualTo(snapshot.count());
      assertThat(Arrays.stream(snapshot.fixed()).sum()).isEqualTo(snapshot.count());
    }
    ending.set(true);
    recording.join();
  }
}
