// SPDX-License-Identifier: Apache-2.0
/**
 * What a connection looks like in an access log: pure formatters, no I/O.
 *
 * <p>Inputs: {@link io.meshlens.flow.Connection}. Outputs: bytes of one JSON line, the schema
 * {@code meshlens.connection.v1}. The formatter is owned by the ring reader, which calls it for
 * every record; it must not allocate.
 */
@NullMarked
package io.meshlens.accesslog;

import org.jspecify.annotations.NullMarked;
