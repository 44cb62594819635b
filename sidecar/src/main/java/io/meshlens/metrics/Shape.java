// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import com.google.common.collect.Interner;
import com.google.common.collect.Interners;
import io.meshlens.flow.Address;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Identity;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The attributes that some metrics share. */
public final class Shape {
  private final List<Column> columns;
  private final Detail detail;
  private final LabelText text;
  private final Interner<Object> known = Interners.newWeakInterner();

  Shape(List<Column> columns, Detail detail, LabelText text) {
    this.columns = List.copyOf(columns);
    this.detail = detail;
    this.text = text;
  }

  /** Metrics with the same attributes, after the rules, together. */
  static Map<List<Column>, List<MeshMetric>> group(
      Stream<MeshMetric> metrics, AttributeRules rules) {
    return metrics.collect(
        Collectors.groupingBy(
            metric ->
                metric.columns().stream()
                    .filter(column -> rules.keeps(metric.metricName(), column.name()))
                    .toList(),
            LinkedHashMap::new,
            Collectors.toList()));
  }

  /** Names, by the order of {@link LabelSet#value}. */
  public List<String> names() {
    return columns.stream().map(Column::name).toList();
  }

  LabelSet labels(Ends ends) {
    Object[] values = new Object[columns.size()];
    for (int i = 0; i < values.length; i++) {
      Column column = columns.get(i);
      Object value = detail.isCoarserThan(column.coarsest()) ? "" : column.value().apply(ends);
      values[i] =
          switch (value) {
            case String known when !known.isEmpty() -> text.clean(known);
            case String unknown -> column.unknown();
            default -> value;
          };
    }
    return new LabelSet(this, ends.reporter(), shared(values), false);
  }

  /**
   * The same texts and numbers are one object in all label sets; nothing at the end is left out.
   */
  private Object[] shared(Object[] values) {
    int length = values.length;
    while (length > 0 && values[length - 1].equals("")) {
      length--;
    }
    Object[] shared = Arrays.copyOf(values, length);
    for (int i = 0; i < length; i++) {
      shared[i] = known.intern(shared[i]);
    }
    return shared;
  }

  /** What stands for all label sets of a side that found no room. */
  LabelSet overflow(Direction reporter) {
    Address none = new Address(0, 0);
    Ends nobody = new Ends(reporter, none, none, 0, Identity.UNKNOWN, Identity.UNKNOWN);
    Object[] values = new Object[columns.size()];
    for (int i = 0; i < values.length; i++) {
      Column column = columns.get(i);
      Object value = column.value().apply(nobody);
      values[i] = value instanceof String known && !known.isEmpty() ? known : column.unknown();
    }
    return new LabelSet(this, reporter, values, true);
  }
}
