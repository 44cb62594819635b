// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static io.meshlens.export.ProtoBytes.LENGTH_DELIMITED;
import static io.meshlens.export.ProtoBytes.tag;

import io.meshlens.metrics.LabelSet;
import io.meshlens.metrics.Shape;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Label sets as the {@code attributes} of points. Each is encoded once and copied into all points
 * of its series. Owned by: export-otlp.
 */
final class AttributeBytes {
  /** The name that the OpenTelemetry specification gives to series that stand for many. */
  static final String OVERFLOW = "otel.metric.overflow";

  private static final int KEY = tag(KeyValue.KEY_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int VALUE = tag(KeyValue.VALUE_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int TEXT = tag(AnyValue.STRING_VALUE_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int NUMBER = tag(AnyValue.INT_VALUE_FIELD_NUMBER, ProtoBytes.VARINT);
  private static final int FLAG = tag(AnyValue.BOOL_VALUE_FIELD_NUMBER, ProtoBytes.VARINT);

  /** Of no attribute. */
  static final byte[] NONE = {};

  private final int tag;
  private final byte[] overflow;
  private final Map<Shape, List<byte[]>> keys = new HashMap<>();
  private final ProtoBytes bytes = new ProtoBytes(1 << 16);
  private int[] ends = new int[64];
  private int sets;

  /**
   * @param field number of the attributes' field, which each kind of point has another one for
   */
  AttributeBytes(int field) {
    tag = tag(field, LENGTH_DELIMITED);
    ProtoBytes out = new ProtoBytes(64);
    int attribute = begin(key(OVERFLOW), out);
    int value = out.open(VALUE, ProtoBytes.SHORT);
    out.count(FLAG, 1);
    out.close(value);
    out.close(attribute);
    overflow = out.toByteArray();
  }

  private static byte[] key(String name) {
    ProtoBytes out = new ProtoBytes(name.length() + 8);
    out.text(KEY, name);
    return out.toByteArray();
  }

  private int begin(byte[] key, ProtoBytes out) {
    int attribute = out.open(tag, ProtoBytes.SHORT);
    out.raw(key);
    return attribute;
  }

  /** Forgets the label sets. */
  void clear() {
    bytes.clear();
    sets = 0;
  }

  /** Encodes a label set; they are numbered from 0. */
  void add(LabelSet labels) {
    List<byte[]> names =
        keys.computeIfAbsent(
            labels.shape(), shape -> shape.names().stream().map(AttributeBytes::key).toList());
    for (int i = 0; i < labels.size(); i++) {
      switch (labels.value(i)) {
        case Long number -> number(names.get(i), number);
        case String text when !text.isEmpty() -> text(names.get(i), text, bytes);
        default -> {
          // No such attribute.
        }
      }
    }
    if (sets == ends.length) {
      ends = Arrays.copyOf(ends, 2 * sets);
    }
    ends[sets++] = bytes.length();
  }

  private void number(byte[] key, long number) {
    int attribute = begin(key, bytes);
    int value = bytes.open(VALUE, ProtoBytes.SHORT);
    bytes.varint(NUMBER);
    bytes.varint(number);
    bytes.close(value);
    bytes.close(attribute);
  }

  private void text(byte[] key, String text, ProtoBytes out) {
    int attribute = begin(key, out);
    int value = out.open(VALUE, ProtoBytes.SHORT);
    out.text(TEXT, text);
    out.close(value);
    out.close(attribute);
  }

  /** Another attribute, which not all points of a label set have. */
  byte[] attribute(String name, String value) {
    ProtoBytes out = new ProtoBytes(64);
    text(key(name), value, out);
    return out.toByteArray();
  }

  /** What is behind all other attributes of a label set. */
  byte[] last(LabelSet labels) {
    return labels.isOverflow() ? overflow : NONE;
  }

  /** Of a label set, without the last. */
  int lengthBytes(int set) {
    return ends[set] - begin(set);
  }

  private int begin(int set) {
    return set == 0 ? 0 : ends[set - 1];
  }

  /** Of all label sets. */
  int lengthBytes() {
    return bytes.length();
  }

  void writeTo(ProtoBytes out, int set) {
    out.raw(bytes.array(), begin(set), lengthBytes(set));
  }
}
