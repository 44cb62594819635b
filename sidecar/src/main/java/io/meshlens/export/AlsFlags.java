// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.envoyproxy.envoy.data.accesslog.v3.ResponseFlags;
import io.meshlens.accesslog.ResponseFlag;
import io.meshlens.flow.Connection;
import java.util.List;

/**
 * {@link ResponseFlag} as fields of Envoy's message; docs/reference/als.md says why each is set.
 */
final class AlsFlags {
  private AlsFlags() {}

  /** Appends the fields of {@code envoy.data.accesslog.v3.ResponseFlags}. */
  static void write(Connection c, ProtoBytes out) {
    List<ResponseFlag> flags = ResponseFlag.of(c);
    for (int i = 0; i < flags.size(); i++) {
      out.count(ProtoBytes.tag(field(flags.get(i)), ProtoBytes.VARINT), 1);
    }
  }

  private static int field(ResponseFlag flag) {
    return switch (flag) {
      case UPSTREAM_REQUEST_TIMEOUT -> ResponseFlags.UPSTREAM_REQUEST_TIMEOUT_FIELD_NUMBER;
      case UPSTREAM_CONNECTION_FAILURE -> ResponseFlags.UPSTREAM_CONNECTION_FAILURE_FIELD_NUMBER;
      case UPSTREAM_CONNECTION_TERMINATION ->
          ResponseFlags.UPSTREAM_CONNECTION_TERMINATION_FIELD_NUMBER;
      case NO_ROUTE_FOUND -> ResponseFlags.NO_ROUTE_FOUND_FIELD_NUMBER;
      case DOWNSTREAM_CONNECTION_TERMINATION ->
          ResponseFlags.DOWNSTREAM_CONNECTION_TERMINATION_FIELD_NUMBER;
      case UPSTREAM_RETRY_LIMIT_EXCEEDED ->
          ResponseFlags.UPSTREAM_RETRY_LIMIT_EXCEEDED_FIELD_NUMBER;
    };
  }
}
