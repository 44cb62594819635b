// SPDX-License-Identifier: Apache-2.0
package io.meshlens.vitals;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** How long something took, for the histograms of {@link SelfMetric}; safe for all threads. */
public final class Durations {
  private static final double NS_PER_SECOND = 1e9;

  /** Where a histogram is kept. */
  public interface Histogram {
    void record(double seconds, List<String> attributes);
  }

  private final Map<SelfMetric, Histogram> histograms = new ConcurrentHashMap<>();

  /** From now on, what is recorded goes there. */
  public void bind(SelfMetric metric, Histogram histogram) {
    histograms.put(metric, histogram);
  }

  /**
   * One duration; before {@link #bind} it is forgotten.
   *
   * @param attributes values of the metric's attributes, in their order
   */
  public void record(SelfMetric metric, long durationNs, String... attributes) {
    Histogram histogram = histograms.get(metric);
    if (histogram != null) {
      histogram.record(durationNs / NS_PER_SECOND, List.of(attributes));
    }
  }
}
