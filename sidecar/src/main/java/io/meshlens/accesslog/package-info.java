// SPDX-License-Identifier: Apache-2.0
/**
 * What a connection looks like in an access log, and which connections a log gets: pure formatters
 * and choices, no I/O.
 *
 * <p>Inputs: {@link io.meshlens.flow.Connection}, format strings, filter expressions. Outputs:
 * bytes of one line, the schema {@code meshlens.connection.v1} or a text; records for the sink
 * behind a choice. Formatters and choices are owned by the ring reader, which calls them for every
 * record; JSON lines must not allocate, and nothing waits.
 */
@NullMarked
package io.meshlens.accesslog;

import org.jspecify.annotations.NullMarked;
