// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReferenceArray;

/** The histograms under one label set. Recorded by ring-reader, read by any thread. */
public final class DurationSeries extends Labelled {
  private final List<Timing> timings;
  private final AtomicReferenceArray<Histogram> histograms =
      new AtomicReferenceArray<>(Timing.values().length);

  // Owned by: ring-reader.
  long changedEpochNs;
  long changedMonoNs;
  boolean dropped;

  DurationSeries(LabelSet labels, List<Timing> timings, long startEpochNs) {
    super(labels, startEpochNs);
    this.timings = timings;
  }

  /** Empty as long as there is no sample. */
  public Optional<Histogram> histogram(Timing timing) {
    return Optional.ofNullable(histograms.get(timing.ordinal()));
  }

  void record(Timing timing, long durationNs) {
    if (!timings.contains(timing)) {
      return;
    }
    Histogram histogram = histograms.get(timing.ordinal());
    if (histogram == null) {
      histogram = new Histogram();
      histogram.record(durationNs);
      histograms.set(timing.ordinal(), histogram);
    } else {
      histogram.record(durationNs);
    }
  }
}
