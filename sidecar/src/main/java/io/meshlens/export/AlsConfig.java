// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import java.time.Duration;

/**
 * Where and how access log entries are streamed to.
 *
 * @param transport to an Envoy access log service
 * @param node who sends
 * @param logName {@code identifier.log_name}
 * @param streams at most so many at once
 * @param streamInterval streams are ended, and so confirmed, after this time
 */
public record AlsConfig(
    AlsTransport transport, AlsNode node, String logName, int streams, Duration streamInterval) {}
