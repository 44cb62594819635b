// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import io.meshlens.flow.Connection;
import java.util.Optional;
import java.util.function.Function;

/**
 * A named value of a record, for format strings and filters.
 *
 * @param group the object that has it, such as {@code source}
 * @param kind of the value
 * @param value a {@link Long}, a {@link String}, a {@link java.time.Duration} or a {@link
 *     java.time.Instant}, as the kind says; empty when it is unknown
 */
record RecordField(String group, String name, Kind kind, Function<Connection, Optional<?>> value) {
  /** What a value is. */
  enum Kind {
    INT,
    TEXT,
    DURATION,
    TIME
  }

  /** {@code source.address}. */
  String fullName() {
    return group + "." + name;
  }
}
