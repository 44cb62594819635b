// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

/** A {@link Histogram} at one moment, which nobody changes any more. */
public final class HistogramSnapshot {
  private static final double NANOS_PER_SECOND = 1e9;

  private final int scale;
  private final int first;
  private final long[] counts;
  private final long zeroes;
  private final long[] fixed;
  private final long count;
  private final long sumNs;
  private final long leastNs;
  private final long mostNs;

  /** Keeps the arrays. */
  HistogramSnapshot(
      int scale,
      int first,
      long[] counts,
      long zeroes,
      long[] fixed,
      long count,
      long sumNs,
      long leastNs,
      long mostNs) {
    this.scale = scale;
    this.first = first;
    this.counts = counts;
    this.zeroes = zeroes;
    this.fixed = fixed;
    this.count = count;
    this.sumNs = sumNs;
    this.leastNs = leastNs;
    this.mostNs = mostNs;
  }

  /** Bounds of the exponential buckets are powers of 2^(2^-scale) seconds. */
  public int scale() {
    return scale;
  }

  /** Index of the first of {@link #counts}: its lower bound is the base to that power. */
  public int first() {
    return first;
  }

  /** By exponential bucket. */
  public long[] counts() {
    return counts.clone();
  }

  /** Samples of no duration. */
  public long zeroes() {
    return zeroes;
  }

  /** By fixed bucket, each without those before. */
  public long[] fixed() {
    return fixed.clone();
  }

  public long count() {
    return count;
  }

  public double sumSeconds() {
    return sumNs / NANOS_PER_SECOND;
  }

  public double leastSeconds() {
    return leastNs / NANOS_PER_SECOND;
  }

  public double mostSeconds() {
    return mostNs / NANOS_PER_SECOND;
  }

  /** What came after an earlier snapshot of the same histogram; its least and most are unknown. */
  public HistogramSnapshot since(HistogramSnapshot earlier) {
    long[] difference = counts.clone();
    // Scales only ever get coarser.
    int shift = earlier.scale - scale;
    for (int i = 0; i < earlier.counts.length; i++) {
      if (earlier.counts[i] != 0) {
        difference[((earlier.first + i) >> shift) - first] -= earlier.counts[i];
      }
    }
    long[] fixedDifference = fixed.clone();
    for (int i = 0; i < fixed.length; i++) {
      fixedDifference[i] -= earlier.fixed[i];
    }
    return new HistogramSnapshot(
        scale,
        first,
        difference,
        zeroes - earlier.zeroes,
        fixedDifference,
        count - earlier.count,
        sumNs - earlier.sumNs,
        0,
        0);
  }
}
