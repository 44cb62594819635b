// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

/**
 * Where and how access log entries are streamed to.
 *
 * @param transport to an Envoy access log service
 * @param node who sends
 * @param logName {@code identifier.log_name}
 * @param queueSize connections that may wait; more are lost and counted
 */
public record AlsConfig(AlsTransport transport, AlsNode node, String logName, int queueSize) {}
