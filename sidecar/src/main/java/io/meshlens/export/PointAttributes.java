// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.metrics.LabelSet;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The attributes of one point, read from its label set: 100,000 series need no copy of their
 * attributes, and no text is built for an export.
 */
final class PointAttributes implements Attributes {
  /** The name that the OpenTelemetry specification gives to series that stand for many. */
  static final AttributeKey<Boolean> OVERFLOW = AttributeKey.booleanKey("otel.metric.overflow");

  /** Keys of a shape's attributes; those of a place are texts or numbers. */
  static final class Keys {
    private final List<AttributeKey<String>> texts;
    private final List<AttributeKey<Long>> numbers;

    Keys(List<String> names) {
      texts = names.stream().map(AttributeKey::stringKey).toList();
      numbers = names.stream().map(AttributeKey::longKey).toList();
    }
  }

  private final Keys keys;
  private final LabelSet labels;
  private final @Nullable AttributeKey<String> part;
  private final String partValue;

  /**
   * @param part what tells the series of a label set apart; null when there is only one
   */
  PointAttributes(
      Keys keys, LabelSet labels, @Nullable AttributeKey<String> part, String partValue) {
    this.keys = keys;
    this.labels = labels;
    this.part = part;
    this.partValue = partValue;
  }

  @Override
  public void forEach(BiConsumer<? super AttributeKey<?>, ? super Object> consumer) {
    for (int i = 0; i < labels.size(); i++) {
      Object value = labels.value(i);
      if (value instanceof Long) {
        consumer.accept(keys.numbers.get(i), value);
      } else if (!value.equals("")) {
        consumer.accept(keys.texts.get(i), value);
      }
    }
    if (part != null) {
      consumer.accept(part, partValue);
    }
    if (labels.isOverflow()) {
      consumer.accept(OVERFLOW, true);
    }
  }

  @Override
  public int size() {
    int size = (part == null ? 0 : 1) + (labels.isOverflow() ? 1 : 0);
    for (int i = 0; i < labels.size(); i++) {
      size += labels.value(i).equals("") ? 0 : 1;
    }
    return size;
  }

  @Override
  public boolean isEmpty() {
    return size() == 0;
  }

  @Override
  @SuppressWarnings("unchecked") // values have the types of their keys
  public <T> @Nullable T get(AttributeKey<T> key) {
    return (T) asMap().get(key);
  }

  @Override
  public Map<AttributeKey<?>, Object> asMap() {
    Map<AttributeKey<?>, Object> map = new LinkedHashMap<>();
    forEach(map::put);
    return map;
  }

  @Override
  @SuppressWarnings("unchecked") // values have the types of their keys
  public AttributesBuilder toBuilder() {
    AttributesBuilder builder = Attributes.builder();
    forEach((key, value) -> builder.put((AttributeKey<Object>) key, value));
    return builder;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Attributes that && asMap().equals(that.asMap());
  }

  @Override
  public int hashCode() {
    return asMap().hashCode();
  }

  @Override
  public String toString() {
    return asMap().toString();
  }
}
