// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.metrics.LabelSet;
import io.prometheus.metrics.model.snapshots.Labels;
import java.util.ArrayList;
import java.util.List;

/** The labels of one label set's series, as Prometheus writes them; made once for each. */
final class ScrapeLabels {
  private static final String OVERFLOW = "otel_metric_overflow";

  /** Labels with a further value. */
  private record Variant(String value, Labels labels) {}

  private final LabelSet labels;
  private final List<Variant> variants = new ArrayList<>(3);

  ScrapeLabels(LabelSet labels) {
    this.labels = labels;
  }

  /** With a further label; none when its value is empty. */
  Labels with(String name, String value) {
    for (Variant variant : variants) {
      if (variant.value.equals(value)) {
        return variant.labels;
      }
    }
    Labels made = make(name, value);
    variants.add(new Variant(value, made));
    return made;
  }

  private Labels make(String name, String value) {
    List<String> names = new ArrayList<>();
    List<String> values = new ArrayList<>();
    List<String> shape = labels.shape().names();
    for (int i = 0; i < shape.size(); i++) {
      String text = labels.value(i).toString();
      if (!text.isEmpty()) {
        names.add(shape.get(i).replace('.', '_'));
        values.add(text);
      }
    }
    if (!value.isEmpty()) {
      names.add(name.replace('.', '_'));
      values.add(value);
    }
    if (labels.isOverflow()) {
      names.add(OVERFLOW);
      values.add("true");
    }
    return Labels.of(names, values);
  }
}
