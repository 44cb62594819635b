// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import io.meshlens.flow.Direction;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The series of metrics that share a shape. Guarded by the store's lock, but for what is final. */
public final class SeriesTable {
  private static final int LEAST_CAPACITY = 1 << 6;

  private final Shape shape;
  private final List<MeshMetric> metrics;
  private final int maxSeries;

  /** By label set, with open addressing: an entry of a HashMap would cost 32 bytes more. */
  private @Nullable Series[] places = new Series[LEAST_CAPACITY];

  private int used;
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
    int at = place(labels);
    Series known = places[at];
    if (known != null) {
      return Optional.of(known);
    }
    if (isFull()) {
      return Optional.empty();
    }
    Series series = new Series(labels, startEpochNs);
    places[at] = series;
    used++;
    if (used > places.length / 2) {
      rebuild(2 * places.length);
    }
    return Optional.of(series);
  }

  /** Where the series of a label set is, or belongs. */
  private int place(LabelSet labels) {
    int mask = places.length - 1;
    int hash = labels.hashCode() * 0x9e37_79b9;
    int at = (hash ^ hash >>> 15) & mask;
    while (places[at] != null && !places[at].labels().equals(labels)) {
      at = at + 1 & mask;
    }
    return at;
  }

  /** Without those that were dropped. */
  private void rebuild(int capacity) {
    @Nullable Series[] before = places;
    places = new Series[capacity];
    used = 0;
    for (Series series : before) {
      if (series != null && !series.dropped) {
        places[place(series.labels())] = series;
        used++;
      }
    }
  }

  boolean isFull() {
    return used >= maxSeries;
  }

  Series overflow(Direction reporter, long startEpochNs) {
    return overflow.computeIfAbsent(
        reporter, side -> new Series(shape.overflow(side), startEpochNs));
  }

  int size() {
    return used;
  }

  List<Series> all() {
    List<Series> all = new ArrayList<>(used + overflow.size());
    for (Series series : places) {
      if (series != null) {
        all.add(series);
      }
    }
    all.addAll(overflow.values());
    return all;
  }

  /** The overflow stays. */
  void dropIf(Predicate<Series> isOver) {
    boolean any = false;
    for (Series series : places) {
      if (series != null && isOver.test(series)) {
        series.dropped = true;
        any = true;
      }
    }
    if (any) {
      rebuild(places.length);
    }
  }
}
