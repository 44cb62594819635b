// SPDX-License-Identifier: Apache-2.0
/**
 * The ways out: access log lines on stdout and in a file, Envoy's access log service, OpenTelemetry
 * metrics.
 *
 * <p>Inputs: connections on the ring-reader thread, which is never made to wait (bounded queues, a
 * full one is counted), and snapshots of the metrics. Owner threads: log-writer, log-file,
 * log-archive, export-als. The only room, with {@code api}, that knows generated protocol types.
 */
@NullMarked
package io.meshlens.export;

import org.jspecify.annotations.NullMarked;
