// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import io.meshlens.flow.Transport;

/** The metrics of the {@code otel} profile that come from the kernel's sums. */
public enum MeshMetric {
  CONNECTIONS_OPENED(
      "mesh.tcp.connections.opened", "{connection}", Kind.COUNTER, "Connections established."),
  CONNECTIONS_CLOSED(
      "mesh.tcp.connections.closed",
      "{connection}",
      Kind.COUNTER,
      "Connections that were established and are over."),
  CONNECTIONS_FAILED(
      "mesh.tcp.connections.failed",
      "{connection}",
      Kind.COUNTER,
      "Connections that were never established."),
  CONNECTIONS_ACTIVE(
      "mesh.tcp.connections.active",
      "{connection}",
      Kind.UP_DOWN_COUNTER,
      "Connections established and not over."),
  IO("mesh.tcp.io", "By", Kind.COUNTER, "Payload bytes, without SYN, FIN and retransmissions."),
  PACKETS("mesh.tcp.packets", "{packet}", Kind.COUNTER, "Segments with and without payload."),
  RETRANSMITS(
      "mesh.tcp.retransmits", "{segment}", Kind.COUNTER, "Retransmitted segments, SYNs included."),
  UDP_IO("mesh.udp.io", "By", Kind.COUNTER, "Payload bytes of UDP, sent and queued for a socket."),
  UDP_PACKETS(
      "mesh.udp.packets", "{packet}", Kind.COUNTER, "Datagrams, sent and queued for a socket.");

  /** OpenTelemetry instrument kind. */
  public enum Kind {
    COUNTER,
    UP_DOWN_COUNTER
  }

  private final String metricName;
  private final String unit;
  private final Kind kind;
  private final String help;

  MeshMetric(String metricName, String unit, Kind kind, String help) {
    this.metricName = metricName;
    this.unit = unit;
    this.kind = kind;
    this.help = help;
  }

  public String metricName() {
    return metricName;
  }

  /** UCUM unit. */
  public String unit() {
    return unit;
  }

  /** What the metric is about: the value of {@code network.transport}. */
  public Transport transport() {
    return this == UDP_IO || this == UDP_PACKETS ? Transport.UDP : Transport.TCP;
  }

  public Kind kind() {
    return kind;
  }

  public String help() {
    return help;
  }
}
