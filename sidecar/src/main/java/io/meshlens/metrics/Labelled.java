// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import org.jspecify.annotations.Nullable;

/** What was observed under one label set, and what exporters keep with it, to go when it goes. */
public abstract sealed class Labelled permits Series, DurationSeries {
  private final LabelSet labels;
  private final long startEpochNs;
  private volatile @Nullable Object pushState;
  private volatile @Nullable Object scrapeState;

  Labelled(LabelSet labels, long startEpochNs) {
    this.labels = labels;
    this.startEpochNs = startEpochNs;
  }

  public LabelSet labels() {
    return labels;
  }

  /** No later than the first that was counted, nanoseconds since the epoch. */
  public long startEpochNs() {
    return startEpochNs;
  }

  /** What the push exporter keeps here. */
  public @Nullable Object pushState() {
    return pushState;
  }

  public void setPushState(Object state) {
    pushState = state;
  }

  /** What the scrape exporter keeps here. */
  public @Nullable Object scrapeState() {
    return scrapeState;
  }

  public void setScrapeState(Object state) {
    scrapeState = state;
  }
}
