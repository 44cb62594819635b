// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static io.meshlens.export.ProtoBytes.LENGTH_DELIMITED;
import static io.meshlens.export.ProtoBytes.VARINT;
import static io.meshlens.export.ProtoBytes.tag;
import static java.nio.charset.StandardCharsets.US_ASCII;

import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import io.envoyproxy.envoy.config.core.v3.Address;
import io.envoyproxy.envoy.config.core.v3.SocketAddress;
import io.envoyproxy.envoy.data.accesslog.v3.AccessLogCommon;
import io.envoyproxy.envoy.data.accesslog.v3.AccessLogType;
import io.envoyproxy.envoy.data.accesslog.v3.ConnectionProperties;
import io.envoyproxy.envoy.data.accesslog.v3.TCPAccessLogEntry;
import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.flow.AddressText;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.Errno;
import io.meshlens.flow.Termination;
import io.meshlens.flow.Transport;

/**
 * A connection as Envoy's {@code TCPAccessLogEntry}. Downstream is always the client and upstream
 * the server; received bytes are client to server and sent bytes server to client, whichever side
 * reports (the orientation of Envoy and ztunnel). docs/reference/als.md has every field.
 *
 * <p>Entries are encoded without the generated classes, which would cost some sixty objects each;
 * only their field numbers are used. Owned by: one thread.
 */
public final class AlsMapping {
  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  /** Lengths, tags and text of an address. */
  private static final int MAX_ADDRESS_BYTES = 5 + AddressText.MAX_LENGTH;

  private static final int SOCKET_ADDRESS =
      tag(Address.SOCKET_ADDRESS_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int IP = tag(SocketAddress.ADDRESS_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int PORT = tag(SocketAddress.PORT_VALUE_FIELD_NUMBER, VARINT);
  private static final int RECEIVED = tag(ConnectionProperties.RECEIVED_BYTES_FIELD_NUMBER, VARINT);
  private static final int SENT = tag(ConnectionProperties.SENT_BYTES_FIELD_NUMBER, VARINT);

  private static final byte[] OUTBOUND_CLUSTER = "outbound|".getBytes(US_ASCII);
  private static final byte[] INBOUND_CLUSTER = "inbound|".getBytes(US_ASCII);
  private static final byte[] NO_SUBSET = "||".getBytes(US_ASCII);
  private static final byte[][] TERMINATIONS =
      ProtoBytes.utf8(Termination.values(), Termination::label);

  private final ConnectionIds ids;
  private final AlsExtras extras = new AlsExtras();

  public AlsMapping(ConnectionIds ids) {
    this.ids = ids;
  }

  /** Appends the fields of an entry, in the order of their numbers. */
  void write(Connection c, ProtoBytes out) {
    int common =
        out.open(message(TCPAccessLogEntry.COMMON_PROPERTIES_FIELD_NUMBER), ProtoBytes.LONG);
    writeCommon(c, out);
    out.close(common);
    int properties =
        out.open(message(TCPAccessLogEntry.CONNECTION_PROPERTIES_FIELD_NUMBER), ProtoBytes.SHORT);
    out.count(RECEIVED, clientToServer(c));
    out.count(SENT, serverToClient(c));
    out.close(properties);
  }

  private static long clientToServer(Connection c) {
    return c.clientIsLocal() ? c.bytesSent : c.bytesReceived;
  }

  private static long serverToClient(Connection c) {
    return c.clientIsLocal() ? c.bytesReceived : c.bytesSent;
  }

  private void writeCommon(Connection c, ProtoBytes out) {
    writeDownstream(c, out);
    if (!c.adopted) {
      long startEpochNs = c.startEpochNs();
      time(
          AccessLogCommon.START_TIME_FIELD_NUMBER,
          Math.floorDiv(startEpochNs, NANOS_PER_SECOND),
          Math.floorMod(startEpochNs, NANOS_PER_SECOND),
          out);
    }
    writeUpstream(c, out);
    int flags = out.open(message(AccessLogCommon.RESPONSE_FLAGS_FIELD_NUMBER), ProtoBytes.SHORT);
    AlsFlags.write(c, out);
    out.close(flags);
    extras.writeMetadata(c, out);
    boolean failed = c.event == ConnectionEvent.FAILED && c.error != 0 && c.error != Errno.UNKNOWN;
    if (failed && c.clientIsLocal()) {
      text(AccessLogCommon.UPSTREAM_TRANSPORT_FAILURE_REASON_FIELD_NUMBER, c.error, out);
    }
    writeClient(AccessLogCommon.DOWNSTREAM_DIRECT_REMOTE_ADDRESS_FIELD_NUMBER, c, out);
    extras.writeTags(c, out);
    if (!c.adopted) {
      long ns = c.durationNs();
      time(
          AccessLogCommon.DURATION_FIELD_NUMBER, ns / NANOS_PER_SECOND, ns % NANOS_PER_SECOND, out);
    }
    writeEnd(c, out);
    if (failed && !c.clientIsLocal()) {
      text(AccessLogCommon.DOWNSTREAM_TRANSPORT_FAILURE_REASON_FIELD_NUMBER, c.error, out);
    }
    writeWireBytes(c, out);
    out.count(tag(AccessLogCommon.ACCESS_LOG_TYPE_FIELD_NUMBER, VARINT), type(c).getNumber());
  }

  private static void writeDownstream(Connection c, ProtoBytes out) {
    if (c.originPortOrZero != 0) {
      address(
          AccessLogCommon.DOWNSTREAM_REMOTE_ADDRESS_FIELD_NUMBER,
          c.originHigh,
          c.originLow,
          c.originPortOrZero,
          out);
    } else {
      writeClient(AccessLogCommon.DOWNSTREAM_REMOTE_ADDRESS_FIELD_NUMBER, c, out);
    }
    if (c.dialledPortOrZero != 0) {
      address(
          AccessLogCommon.DOWNSTREAM_LOCAL_ADDRESS_FIELD_NUMBER,
          c.dialledHigh,
          c.dialledLow,
          c.dialledPortOrZero,
          out);
    } else {
      writeReached(AccessLogCommon.DOWNSTREAM_LOCAL_ADDRESS_FIELD_NUMBER, c, out);
    }
  }

  private void writeUpstream(Connection c, ProtoBytes out) {
    writeReached(AccessLogCommon.UPSTREAM_REMOTE_ADDRESS_FIELD_NUMBER, c, out);
    writeClient(AccessLogCommon.UPSTREAM_LOCAL_ADDRESS_FIELD_NUMBER, c, out);
    byte[] host = extras.serviceHost(c.destination);
    if (c.clientIsLocal() && host.length == 0) {
      return; // to no service that we know
    }
    int cluster =
        out.open(message(AccessLogCommon.UPSTREAM_CLUSTER_FIELD_NUMBER), ProtoBytes.SHORT);
    if (c.clientIsLocal()) {
      out.raw(OUTBOUND_CLUSTER);
      out.decimal(c.dialledPort());
      out.raw(NO_SUBSET);
      out.raw(host);
    } else {
      out.raw(INBOUND_CLUSTER);
      out.decimal(c.localPort);
      out.raw(NO_SUBSET);
    }
    out.close(cluster);
  }

  private void writeEnd(Connection c, ProtoBytes out) {
    boolean dialled = c.transport == Transport.TCP && c.clientIsLocal() && !c.adopted;
    if (dialled && c.packetsSent > 0) {
      // The first SYN and those that repeated it.
      out.count(
          tag(AccessLogCommon.UPSTREAM_REQUEST_ATTEMPT_COUNT_FIELD_NUMBER, VARINT),
          1 + c.synRetransmits);
    }
    if (c.termination != Termination.NONE) {
      out.text(
          message(AccessLogCommon.CONNECTION_TERMINATION_DETAILS_FIELD_NUMBER),
          TERMINATIONS[c.termination.ordinal()]);
    }
    int id = out.open(message(AccessLogCommon.STREAM_ID_FIELD_NUMBER), ProtoBytes.SHORT);
    byte[] room = out.room(ConnectionIds.MAX_BYTES);
    out.skipTo(ids.write(c, room, out.length()));
    out.close(id);
    if (c.event == ConnectionEvent.PERIODIC) {
      // For servers that are older than the type.
      out.count(tag(AccessLogCommon.INTERMEDIATE_LOG_ENTRY_FIELD_NUMBER, VARINT), 1);
    }
  }

  /** What Envoy's TCP proxy counts here is the stream: no header, nothing twice. */
  private static void writeWireBytes(Connection c, ProtoBytes out) {
    long up = clientToServer(c);
    long down = serverToClient(c);
    out.count(tag(AccessLogCommon.DOWNSTREAM_WIRE_BYTES_SENT_FIELD_NUMBER, VARINT), down);
    out.count(tag(AccessLogCommon.DOWNSTREAM_WIRE_BYTES_RECEIVED_FIELD_NUMBER, VARINT), up);
    out.count(tag(AccessLogCommon.UPSTREAM_WIRE_BYTES_SENT_FIELD_NUMBER, VARINT), up);
    out.count(tag(AccessLogCommon.UPSTREAM_WIRE_BYTES_RECEIVED_FIELD_NUMBER, VARINT), down);
  }

  private static AccessLogType type(Connection c) {
    boolean udp = c.transport == Transport.UDP;
    return switch (c.event) {
      case OPENED -> AccessLogType.TcpUpstreamConnected;
      case PERIODIC -> udp ? AccessLogType.UdpPeriodic : AccessLogType.TcpPeriodic;
      case CLOSED, FAILED -> udp ? AccessLogType.UdpSessionEnd : AccessLogType.TcpConnectionEnd;
    };
  }

  private static void writeClient(int field, Connection c, ProtoBytes out) {
    if (c.clientIsLocal()) {
      address(field, c.localHigh, c.localLow, c.localPort, out);
    } else {
      address(field, c.remoteHigh, c.remoteLow, c.remotePort, out);
    }
  }

  private static void writeReached(int field, Connection c, ProtoBytes out) {
    if (c.reachedPortOrZero != 0) {
      address(field, c.reachedHigh, c.reachedLow, c.reachedPortOrZero, out);
    } else if (c.clientIsLocal()) {
      address(field, c.remoteHigh, c.remoteLow, c.remotePort, out);
    } else {
      address(field, c.localHigh, c.localLow, c.localPort, out);
    }
  }

  /** All lengths are below 128, so each takes one byte. */
  private static void address(int field, long high, long low, int port, ProtoBytes out) {
    if (port == 0 && high == 0 && low == 0) {
      return; // none yet: the attempt ended before the socket was bound
    }
    out.varint(message(field));
    byte[] to = out.room(MAX_ADDRESS_BYTES);
    int start = out.length();
    int text = start + 5;
    int end = AddressText.write(high, low, to, text);
    to[start + 1] = (byte) SOCKET_ADDRESS;
    to[start + 3] = (byte) IP;
    to[start + 4] = (byte) (end - text);
    out.skipTo(end);
    // Present even when 0: the port is one of several ways to name it.
    out.varint(PORT);
    out.varint(port);
    byte[] written = out.array();
    written[start] = (byte) (out.length() - start - 1);
    written[start + 2] = (byte) (out.length() - start - 3);
  }

  /** Timestamp and Duration have the same fields. */
  private static void time(int field, long seconds, long nanos, ProtoBytes out) {
    int time = out.open(message(field), ProtoBytes.SHORT);
    out.count(tag(Timestamp.SECONDS_FIELD_NUMBER, VARINT), seconds);
    out.count(tag(Duration.NANOS_FIELD_NUMBER, VARINT), nanos);
    out.close(time);
  }

  private static void text(int field, int error, ProtoBytes out) {
    out.text(message(field), Errno.name(error));
  }

  private static int message(int field) {
    return tag(field, LENGTH_DELIMITED);
  }
}
