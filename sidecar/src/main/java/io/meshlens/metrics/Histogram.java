// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * How durations are distributed: base-2 exponential buckets, and the fixed ones that a Prometheus
 * without native histograms reads.
 *
 * <p>One thread records, without waiting and, once the buckets that occur exist, without
 * allocating; any thread takes a {@link #snapshot}, again when a record came between.
 *
 * <ol>
 *   <li>There are never more than {@link #MAX_BUCKETS}: before, two neighbours become one, for all.
 *   <li>A sample counts in the bucket whose upper bound is the first that is not less (of the
 *       exponential ones to the precision of a double).
 * </ol>
 */
public final class Histogram {
  static final int MAX_BUCKETS = 80;

  /** Eight buckets for each doubling: a bound is at most 9 % above the one before. */
  static final int FINEST_SCALE = 3;

  private static final int FIRST_BUCKETS = 16;
  private static final double NANOS_PER_SECOND = 1e9;
  private static final double LOG2_E = 1 / Math.log(2);

  /** Upper bounds of the fixed buckets; one more is above. */
  private static final long[] BOUNDS_NS = {
    100_000L,
    250_000L,
    500_000L,
    1_000_000L,
    2_500_000L,
    5_000_000L,
    10_000_000L,
    25_000_000L,
    50_000_000L,
    100_000_000L,
    250_000_000L,
    500_000_000L,
    1_000_000_000L,
    2_500_000_000L,
    5_000_000_000L,
    10_000_000_000L,
    60_000_000_000L,
    600_000_000_000L,
    3_600_000_000_000L
  };

  private static final VarHandle VERSION;

  static {
    try {
      VERSION = MethodHandles.lookup().findVarHandle(Histogram.class, "version", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** Odd while a sample is being recorded. */
  @SuppressWarnings("UnusedVariable") // by its handle
  private long version;

  // Owned by: the recording thread; others copy and compare versions.
  private int scale = FINEST_SCALE;
  private int first;
  private long[] counts = {};
  private int lowest;
  private int highest = -1;
  private long zeroes;
  private final long[] fixed = new long[BOUNDS_NS.length + 1];
  private long count;
  private long sumNs;
  private long leastNs = Long.MAX_VALUE;
  private long mostNs;

  /** Upper bounds of the fixed buckets in seconds; one more is above. */
  public static double[] boundsSeconds() {
    return Arrays.stream(BOUNDS_NS).mapToDouble(ns -> ns / NANOS_PER_SECOND).toArray();
  }

  /** Counts a duration; less than nothing is taken for nothing. */
  void record(long durationNs) {
    long ns = Math.max(0, durationNs);
    long before = version;
    VERSION.setOpaque(this, before + 1);
    VarHandle.storeStoreFence();
    if (ns == 0) {
      zeroes++;
    } else {
      recordExponential(ns);
    }
    int at = Arrays.binarySearch(BOUNDS_NS, ns);
    fixed[at >= 0 ? at : -at - 1]++;
    count++;
    sumNs += ns;
    leastNs = Math.min(leastNs, ns);
    mostNs = Math.max(mostNs, ns);
    VERSION.setRelease(this, before + 2);
  }

  private void recordExponential(long ns) {
    int index = index(ns, scale);
    if (highest < lowest) {
      counts = new long[FIRST_BUCKETS];
      first = index - FIRST_BUCKETS / 2;
      lowest = index;
      highest = index;
    } else if (index < lowest || index > highest) {
      index = makeRoom(index, ns);
    }
    counts[index - first]++;
  }

  /** The bucket of a duration: bounds are powers of 2^(2^-scale) seconds, the upper included. */
  static int index(long ns, int scale) {
    double seconds = ns / NANOS_PER_SECOND;
    return (int) Math.ceil(Math.scalb(Math.log(seconds) * LOG2_E, scale)) - 1;
  }

  private int makeRoom(int wanted, long ns) {
    int index = wanted;
    while (Math.max(highest, index) - Math.min(lowest, index) >= MAX_BUCKETS) {
      halve();
      index = index(ns, scale);
    }
    lowest = Math.min(lowest, index);
    highest = Math.max(highest, index);
    if (lowest < first || highest >= first + counts.length) {
      int length = Math.min(MAX_BUCKETS, Math.max(2 * counts.length, highest - lowest + 1));
      int spare = (length - (highest - lowest + 1)) / 2;
      long[] wider = new long[length];
      int from = lowest - spare;
      for (int i = 0; i < counts.length; i++) {
        if (counts[i] != 0) {
          wider[first + i - from] = counts[i];
        }
      }
      counts = wider;
      first = from;
    }
    return index;
  }

  private void halve() {
    long[] coarser = new long[counts.length];
    int from = first >> 1;
    for (int i = 0; i < counts.length; i++) {
      coarser[((first + i) >> 1) - from] += counts[i];
    }
    counts = coarser;
    first = from;
    lowest >>= 1;
    highest >>= 1;
    scale--;
  }

  /** All numbers of one moment. */
  public HistogramSnapshot snapshot() {
    while (true) {
      long before = (long) VERSION.getAcquire(this);
      if ((before & 1) == 0) {
        HistogramSnapshot copy =
            new HistogramSnapshot(
                scale,
                first,
                counts.clone(),
                zeroes,
                fixed.clone(),
                count,
                sumNs,
                count == 0 ? 0 : leastNs,
                mostNs);
        VarHandle.loadLoadFence();
        if ((long) VERSION.getOpaque(this) == before) {
          return copy;
        }
      }
      Thread.onSpinWait();
    }
  }
}
