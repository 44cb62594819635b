// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import com.google.common.collect.ImmutableList;
import io.meshlens.flow.Transport;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Every metric about connections, of all profiles. */
public enum MeshMetric {
  CONNECTIONS_OPENED(
      Profile.OTEL,
      "mesh.tcp.connections.opened",
      "{connection}",
      Kind.COUNTER,
      "Connections established.",
      Part.of(Quantity.OPENED)),
  CONNECTIONS_CLOSED(
      Profile.OTEL,
      "mesh.tcp.connections.closed",
      "{connection}",
      Kind.COUNTER,
      "Connections that were established and are over.",
      Part.of(Quantity.CLOSED)),
  CONNECTIONS_FAILED(
      Profile.OTEL,
      "mesh.tcp.connections.failed",
      "{connection}",
      Kind.COUNTER,
      "Connections that were never established.",
      new Part("error.type", "", Quantity.FAILED)),
  CONNECTIONS_ACTIVE(
      Profile.OTEL,
      "mesh.tcp.connections.active",
      "{connection}",
      Kind.UP_DOWN_COUNTER,
      "Connections established and not over.",
      Part.of(Quantity.ACTIVE)),
  IO(
      Profile.OTEL,
      "mesh.tcp.io",
      "By",
      Kind.COUNTER,
      "Payload bytes, without SYN, FIN and retransmissions.",
      Part.transmit(Quantity.SENT),
      Part.receive(Quantity.RECEIVED)),
  PACKETS(
      Profile.OTEL,
      "mesh.tcp.packets",
      "{packet}",
      Kind.COUNTER,
      "Segments with and without payload.",
      Part.transmit(Quantity.PACKETS_SENT),
      Part.receive(Quantity.PACKETS_RECEIVED)),
  RETRANSMITS(
      Profile.OTEL,
      "mesh.tcp.retransmits",
      "{segment}",
      Kind.COUNTER,
      "Retransmitted segments, SYNs included.",
      Part.of(Quantity.RETRANSMITS)),
  UDP_IO(
      Profile.OTEL,
      "mesh.udp.io",
      "By",
      Kind.COUNTER,
      "Payload bytes of UDP, sent and queued for a socket.",
      Part.transmit(Quantity.SENT),
      Part.receive(Quantity.RECEIVED)),
  UDP_PACKETS(
      Profile.OTEL,
      "mesh.udp.packets",
      "{packet}",
      Kind.COUNTER,
      "Datagrams, sent and queued for a socket.",
      Part.transmit(Quantity.PACKETS_SENT),
      Part.receive(Quantity.PACKETS_RECEIVED)),
  CONNECT_DURATION(
      Timing.CONNECT,
      "mesh.tcp.connect.duration",
      "From SYN to established, of outbound connections that have ended."),
  RTT(Timing.RTT, "mesh.tcp.rtt", "Smoothed round-trip time at the end of a connection."),
  CONNECTION_DURATION(
      Timing.CONNECTION,
      "mesh.tcp.connection.duration",
      "From the first SYN to the end of a connection."),

  ISTIO_OPENED(
      Profile.ISTIO,
      "istio_tcp_connections_opened_total",
      "{connection}",
      Kind.COUNTER,
      "Connections established.",
      Part.flagged(Part.NO_FLAGS, Quantity.OPENED)),
  ISTIO_CLOSED(
      Profile.ISTIO,
      "istio_tcp_connections_closed_total",
      "{connection}",
      Kind.COUNTER,
      "Connections that were established and are over.",
      Part.flagged(Part.NO_FLAGS, Quantity.CLOSED)),
  ISTIO_FAILED(
      Profile.ISTIO,
      "istio_tcp_connections_failed_total",
      "{connection}",
      Kind.COUNTER,
      "Connections that were never established.",
      Part.flagged(Part.CONNECT_FAILED, Quantity.FAILED)),
  ISTIO_SENT(
      Profile.ISTIO,
      "istio_tcp_sent_bytes_total",
      "By",
      Kind.COUNTER,
      "Payload bytes from server to client.",
      Part.flagged(Part.NO_FLAGS, Quantity.TO_CLIENT)),
  ISTIO_RECEIVED(
      Profile.ISTIO,
      "istio_tcp_received_bytes_total",
      "By",
      Kind.COUNTER,
      "Payload bytes from client to server.",
      Part.flagged(Part.NO_FLAGS, Quantity.TO_SERVER)),

  KMESH_OPENED(
      Profile.KMESH,
      "kmesh_tcp_connections_opened_total",
      "{connection}",
      Kind.COUNTER,
      "Connections established.",
      Part.flagged(Part.NO_FLAGS, Quantity.OPENED)),
  KMESH_CLOSED(
      Profile.KMESH,
      "kmesh_tcp_connections_closed_total",
      "{connection}",
      Kind.COUNTER,
      "Connections that were established and are over.",
      Part.flagged(Part.NO_FLAGS, Quantity.CLOSED)),
  KMESH_FAILED(
      Profile.KMESH,
      "kmesh_tcp_connections_failed_total",
      "{connection}",
      Kind.COUNTER,
      "Connections that were never established.",
      Part.flagged(Part.CONNECT_FAILED, Quantity.FAILED)),
  KMESH_SENT(
      Profile.KMESH,
      "kmesh_tcp_sent_bytes_total",
      "By",
      Kind.COUNTER,
      "Payload bytes from server to client.",
      Part.flagged(Part.NO_FLAGS, Quantity.TO_CLIENT)),
  KMESH_RECEIVED(
      Profile.KMESH,
      "kmesh_tcp_received_bytes_total",
      "By",
      Kind.COUNTER,
      "Payload bytes from client to server.",
      Part.flagged(Part.NO_FLAGS, Quantity.TO_SERVER)),
  KMESH_WORKLOAD_OPENED(
      Profile.KMESH,
      "kmesh_tcp_workload_connections_opened_total",
      "{connection}",
      Kind.COUNTER,
      "Connections established.",
      Part.flagged(Part.NO_FLAGS, Quantity.OPENED)),
  KMESH_WORKLOAD_CLOSED(
      Profile.KMESH,
      "kmesh_tcp_workload_connections_closed_total",
      "{connection}",
      Kind.COUNTER,
      "Connections that were established and are over.",
      Part.flagged(Part.NO_FLAGS, Quantity.CLOSED)),
  KMESH_WORKLOAD_FAILED(
      Profile.KMESH,
      "kmesh_tcp_workload_connections_failed_total",
      "{connection}",
      Kind.COUNTER,
      "Connections that were never established.",
      Part.flagged(Part.CONNECT_FAILED, Quantity.FAILED)),
  KMESH_WORKLOAD_SENT(
      Profile.KMESH,
      "kmesh_tcp_workload_sent_bytes_total",
      "By",
      Kind.COUNTER,
      "Payload bytes from server to client.",
      Part.flagged(Part.NO_FLAGS, Quantity.TO_CLIENT)),
  KMESH_WORKLOAD_RECEIVED(
      Profile.KMESH,
      "kmesh_tcp_workload_received_bytes_total",
      "By",
      Kind.COUNTER,
      "Payload bytes from client to server.",
      Part.flagged(Part.NO_FLAGS, Quantity.TO_SERVER)),
  KMESH_RETRANS(
      Profile.KMESH,
      "kmesh_tcp_retrans_total",
      "{segment}",
      Kind.COUNTER,
      "Retransmitted segments, SYNs included.",
      Part.flagged(Part.NO_FLAGS, Quantity.RETRANSMITS));

  /** OpenTelemetry instrument kind. */
  public enum Kind {
    COUNTER,
    UP_DOWN_COUNTER,
    HISTOGRAM
  }

  /**
   * The series that each label set has in a metric, beside what tells of its ends.
   *
   * @param attribute what tells them apart; empty when there is only one
   * @param value of that attribute; empty when the failures' kinds are the values
   */
  public record Part(String attribute, String value, Quantity quantity) {
    /** What Istio's {@code response_flags} say when there is nothing to say. */
    static final String NO_FLAGS = "-";

    /** ztunnel's word for a server that could not be reached. */
    static final String CONNECT_FAILED = "CONNECT";

    static Part of(Quantity quantity) {
      return new Part("", "", quantity);
    }

    static Part transmit(Quantity quantity) {
      return new Part("network.io.direction", "transmit", quantity);
    }

    static Part receive(Quantity quantity) {
      return new Part("network.io.direction", "receive", quantity);
    }

    static Part flagged(String flags, Quantity quantity) {
      return new Part("response_flags", flags, quantity);
    }

    /** Whether each kind of failure is a series. */
    public boolean isByError() {
      return !attribute.isEmpty() && value.isEmpty();
    }
  }

  private final Profile profile;
  private final String metricName;
  private final String unit;
  private final Kind kind;
  private final String help;

  @SuppressWarnings("ImmutableEnumChecker") // a record of constants
  private final ImmutableList<Part> parts;

  private final Optional<Timing> timing;

  MeshMetric(
      Profile profile, String metricName, String unit, Kind kind, String help, Part... parts) {
    this.profile = profile;
    this.metricName = metricName;
    this.unit = unit;
    this.kind = kind;
    this.help = help;
    this.parts = ImmutableList.copyOf(parts);
    timing = Optional.empty();
  }

  MeshMetric(Timing timing, String metricName, String help) {
    profile = Profile.OTEL;
    this.metricName = metricName;
    unit = "s";
    kind = Kind.HISTOGRAM;
    this.help = help;
    parts = ImmutableList.of();
    this.timing = Optional.of(timing);
  }

  /** The metrics of a profile, in the order in which they are written. */
  public static List<MeshMetric> of(Profile profile) {
    return Arrays.stream(values()).filter(metric -> metric.profile == profile).toList();
  }

  public Profile profile() {
    return profile;
  }

  public String metricName() {
    return metricName;
  }

  /** UCUM unit. */
  public String unit() {
    return unit;
  }

  /** What carries what it counts. */
  public Transport transport() {
    return this == UDP_IO || this == UDP_PACKETS ? Transport.UDP : Transport.TCP;
  }

  public Kind kind() {
    return kind;
  }

  public String help() {
    return help;
  }

  /** Empty for histograms. */
  public List<Part> parts() {
    return parts;
  }

  /** What a histogram is of. */
  public Optional<Timing> timing() {
    return timing;
  }

  /** What its attributes tell of the ends, before any rule leaves some out. */
  List<Column> columns() {
    return switch (profile) {
      case OTEL -> transport() == Transport.UDP ? Columns.OTEL_UDP : Columns.OTEL;
      case ISTIO -> Columns.ISTIO;
      case KMESH ->
          name().startsWith("KMESH_WORKLOAD") || this == KMESH_RETRANS
              ? Columns.KMESH_WORKLOAD
              : Columns.KMESH_SERVICE;
    };
  }

  /** The names of those attributes, and of those that each part has. */
  public List<String> attributes() {
    return columns().stream().map(Column::name).toList();
  }
}
