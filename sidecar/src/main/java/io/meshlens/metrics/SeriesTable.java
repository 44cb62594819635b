// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import io.meshlens.flow.Direction;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/** The series of metrics that share a shape. Guarded by the store's lock, but for what is final. */
public final class SeriesTable {
  private final Shape shape;
  private final List<MeshMetric> metrics;
  private final int maxSeries;
  private final Map<LabelSet, Series> byLabels = new HashMap<>();
  private final Map<Direction, Series> overflow = new EnumMap<>(Direction.class);

  SeriesTable(Shape shape, List<MeshMetric> metrics, int maxSeries) {
    this.shape = shape;
    this.metrics = List.copyOf(metrics);
    this.maxSeries = maxSeries;
  }

  public List<MeshMetric> metrics() {
    return metrics;
  }

  /** Empty when there is no room for another label set. */
  Optional<Series> find(Ends ends, long startEpochNs) {
    LabelSet labels = shape.labels(ends);
    Series known = byLabels.get(labels);
    if (known != null) {
      return Optional.of(known);
    }
    if (isFull()) {
      return Optional.empty();
    }
    Series series = new Series(labels, startEpochNs);
    byLabels.put(labels, series);
    return Optional.of(series);
  }

  boolean isFull() {
    return byLabels.size() >= maxSeries;
  }

  Series overflow(Direction reporter, long startEpochNs) {
    return overflow.computeIfAbsent(
        reporter, side -> new Series(shape.overflow(side), startEpochNs));
  }

  int size() {
    return byLabels.size();
  }

  List<Series> all() {
    List<Series> all = new ArrayList<>(byLabels.size() + overflow.size());
    all.addAll(byLabels.values());
    all.addAll(overflow.values());
    return all;
  }

  /** The overflow stays. */
  void dropIf(Predicate<Series> isOver) {
    for (Iterator<Series> each = byLabels.values().iterator(); each.hasNext(); ) {
      Series series = each.next();
      if (isOver.test(series)) {
        series.dropped = true;
        each.remove();
      }
    }
  }
}
