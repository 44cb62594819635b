// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import dev.cel.common.types.CelType;
import dev.cel.common.values.StructValue;
import io.meshlens.flow.Connection;
import java.util.Map;
import java.util.Optional;

/**
 * One object of the record as CEL sees it: {@code source}, say. Owned by: ring-reader.
 *
 * <p>The library asks for values that never change; this one does not during an evaluation, and no
 * evaluation keeps it.
 */
@SuppressWarnings("Immutable")
final class RecordGroup extends StructValue<String, RecordGroup> {
  /**
   * Thrown for a record, not for a mistake: without a stack trace, which costs more than all else.
   */
  private static final class Unknown extends RuntimeException {
    private static final long serialVersionUID = 1;

    Unknown(String message) {
      super(message, null, false, false);
    }
  }

  private final CelType type;
  private final Map<String, RecordField> fields;
  private Connection current = new Connection();

  RecordGroup(CelType type, Map<String, RecordField> fields) {
    this.type = type;
    this.fields = fields;
  }

  /** The record that is asked about until the next call. */
  void look(Connection c) {
    current = c;
  }

  @Override
  public Object select(String name) {
    return find(name).orElseThrow(() -> new Unknown(type.name() + "." + name + " is unknown"));
  }

  @Override
  public Optional<?> find(String name) {
    RecordField field = fields.get(name);
    return field == null ? Optional.empty() : field.value().apply(current);
  }

  @Override
  public RecordGroup value() {
    return this;
  }

  @Override
  public boolean isZeroValue() {
    return false;
  }

  @Override
  public CelType celType() {
    return type;
  }
}
