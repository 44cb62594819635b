// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import com.google.protobuf.Duration;
import com.google.protobuf.Struct;
import com.google.protobuf.Timestamp;
import com.google.protobuf.Value;
import io.envoyproxy.envoy.config.core.v3.Address;
import io.envoyproxy.envoy.config.core.v3.Metadata;
import io.envoyproxy.envoy.config.core.v3.SocketAddress;
import io.envoyproxy.envoy.data.accesslog.v3.AccessLogCommon;
import io.envoyproxy.envoy.data.accesslog.v3.AccessLogType;
import io.envoyproxy.envoy.data.accesslog.v3.ConnectionProperties;
import io.envoyproxy.envoy.data.accesslog.v3.ResponseFlags;
import io.envoyproxy.envoy.data.accesslog.v3.TCPAccessLogEntry;
import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.Errno;
import io.meshlens.flow.Termination;
import io.meshlens.flow.Transport;
import java.nio.charset.StandardCharsets;

/**
 * A connection as Envoy's {@code TCPAccessLogEntry}. Downstream is always the client and upstream
 * the server; received bytes are client to server and sent bytes server to client, whichever side
 * reports (the orientation of Envoy and ztunnel).
 */
final class AlsMapping {
  /** Key of our part of {@code metadata.filter_metadata}. */
  static final String METADATA_NAMESPACE = "meshlens";

  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  private final ConnectionIds ids;

  AlsMapping(ConnectionIds ids) {
    this.ids = ids;
  }

  TCPAccessLogEntry entry(Connection c) {
    long clientToServer = c.clientIsLocal() ? c.bytesSent : c.bytesReceived;
    long serverToClient = c.clientIsLocal() ? c.bytesReceived : c.bytesSent;
    return TCPAccessLogEntry.newBuilder()
        .setCommonProperties(common(c))
        .setConnectionProperties(
            ConnectionProperties.newBuilder()
                .setReceivedBytes(clientToServer)
                .setSentBytes(serverToClient))
        .build();
  }

  private AccessLogCommon common(Connection c) {
    Address client = address(c.client(), c.clientPort());
    Address server = address(c.reached(), c.reachedPort());
    Address dialled = address(c.dialled(), c.dialledPort());
    Address origin = address(c.origin(), c.originPort());
    AccessLogCommon.Builder common =
        AccessLogCommon.newBuilder()
            .setDownstreamRemoteAddress(origin)
            .setDownstreamLocalAddress(dialled)
            .setUpstreamRemoteAddress(server)
            .setUpstreamLocalAddress(client)
            .setStreamId(ids.text(c))
            .setResponseFlags(responseFlags(c))
            .setMetadata(metadata(c));
    if (!c.adopted) {
      common.setStartTime(timestamp(c.startEpochNs())).setDuration(duration(c.durationNs()));
    }
    switch (c.event) {
      case PERIODIC -> intermediate(c, common);
      case OPENED -> common.setAccessLogType(AccessLogType.TcpUpstreamConnected);
      case CLOSED, FAILED ->
          common
              .setAccessLogType(
                  c.transport == Transport.UDP
                      ? AccessLogType.UdpSessionEnd
                      : AccessLogType.TcpConnectionEnd)
              .setConnectionTerminationDetails(c.termination.label());
    }
    if (c.event == ConnectionEvent.FAILED && c.error != 0 && c.error != Errno.UNKNOWN) {
      common.setUpstreamTransportFailureReason(Errno.name(c.error));
    }
    wireBytes(c, common);
    customTags(c, common);
    return common.build();
  }

  /** Said twice, because servers older than the type look at the flag. */
  @SuppressWarnings("deprecation")
  private static void intermediate(Connection c, AccessLogCommon.Builder common) {
    common
        .setAccessLogType(
            c.transport == Transport.UDP ? AccessLogType.UdpPeriodic : AccessLogType.TcpPeriodic)
        .setIntermediateLogEntry(true);
  }

  /** Only the sending side knows what went over the wire more than once. */
  private static void wireBytes(Connection c, AccessLogCommon.Builder common) {
    long sent = c.bytesSent + c.bytesRetransmitted;
    if (c.clientIsLocal()) {
      common.setDownstreamWireBytesReceived(sent).setUpstreamWireBytesSent(sent);
    } else {
      common.setDownstreamWireBytesSent(sent).setUpstreamWireBytesReceived(sent);
    }
  }

  private static ResponseFlags responseFlags(Connection c) {
    ResponseFlags.Builder flags = ResponseFlags.newBuilder();
    if (c.event == ConnectionEvent.FAILED) {
      return flags.setUpstreamConnectionFailure(true).build();
    }
    switch (c.termination) {
      case RESET_LOCAL -> reset(flags, c.clientIsLocal());
      case RESET_REMOTE -> reset(flags, !c.clientIsLocal());
      case FIN_LOCAL,
          FIN_REMOTE,
          TIMEOUT,
          REFUSED,
          UNREACHABLE,
          ABORTED,
          UNKNOWN,
          CLOSED,
          IDLE,
          NONE -> {
        // Envoy has no flag for these.
      }
    }
    return flags.build();
  }

  private static void reset(ResponseFlags.Builder flags, boolean byClient) {
    if (byClient) {
      flags.setDownstreamConnectionTermination(true);
    } else {
      flags.setUpstreamConnectionTermination(true);
    }
  }

  private static void customTags(Connection c, AccessLogCommon.Builder common) {
    common
        .putCustomTags("event", c.event.label())
        .putCustomTags("reporter", c.direction.reporter())
        .putCustomTags("direction", c.direction.label())
        .putCustomTags("protocol", c.transport.label());
    if (c.termination != Termination.NONE) {
      common.putCustomTags("termination", c.termination.label());
    }
  }

  private static Metadata metadata(Connection c) {
    Struct.Builder fields = Struct.newBuilder();
    number(fields, "packets_sent", c.packetsSent);
    number(fields, "packets_received", c.packetsReceived);
    if (c.transport == Transport.TCP) {
      tcp(fields, c);
    }
    known(fields, "pid", c.pid);
    known(fields, "cgroup_id", c.cgroupId);
    known(fields, "netns", c.netns);
    if (c.commLengthBytes != 0) {
      String comm = new String(c.comm, 0, c.commLengthBytes, StandardCharsets.UTF_8);
      fields.putFields("comm", Value.newBuilder().setStringValue(comm).build());
    }
    if (!c.containerId.isEmpty()) {
      fields.putFields("container_id", Value.newBuilder().setStringValue(c.containerId).build());
    }
    return Metadata.newBuilder().putFilterMetadata(METADATA_NAMESPACE, fields.build()).build();
  }

  private static void tcp(Struct.Builder fields, Connection c) {
    number(fields, "retransmits", c.retransmits);
    number(fields, "bytes_retransmitted", c.bytesRetransmitted);
    number(fields, "syn_retransmits", c.synRetransmits);
    number(fields, "timeouts", c.timeouts);
    number(fields, "reordering_events", c.reorderingEvents);
    number(fields, "segments_delivered", c.segmentsDelivered);
    number(fields, "segments_lost", c.segmentsLost);
    number(fields, "ecn_ce_segments", c.ecnCeSegments);
    known(fields, "rwnd_limited_us", c.rwndLimitedUs);
    known(fields, "connect_ns", c.connectNs());
    known(fields, "rtt_us", c.rttUs);
    if (c.rttUs != 0) {
      number(fields, "rtt_var_us", c.rttVarUs);
    }
    known(fields, "min_rtt_us", c.minRttUs);
  }

  private static void known(Struct.Builder fields, String name, long value) {
    if (value != 0) {
      number(fields, name, value);
    }
  }

  private static void number(Struct.Builder fields, String name, long value) {
    fields.putFields(name, Value.newBuilder().setNumberValue((double) value).build());
  }

  private static Address address(io.meshlens.flow.Address address, int port) {
    return Address.newBuilder()
        .setSocketAddress(SocketAddress.newBuilder().setAddress(address.text()).setPortValue(port))
        .build();
  }

  private static Timestamp timestamp(long epochNs) {
    return Timestamp.newBuilder()
        .setSeconds(Math.floorDiv(epochNs, NANOS_PER_SECOND))
        .setNanos((int) Math.floorMod(epochNs, NANOS_PER_SECOND))
        .build();
  }

  private static Duration duration(long ns) {
    return Duration.newBuilder()
        .setSeconds(ns / NANOS_PER_SECOND)
        .setNanos((int) (ns % NANOS_PER_SECOND))
        .build();
  }
}
