// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static io.meshlens.export.ProtoBytes.LENGTH_DELIMITED;
import static io.meshlens.export.ProtoBytes.tag;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.accesslog.Digits;
import io.meshlens.flow.AddressText;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Errno;
import io.meshlens.flow.Identity;
import io.meshlens.flow.Termination;
import io.meshlens.flow.Transport;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.logs.v1.LogRecord;
import io.opentelemetry.proto.logs.v1.SeverityNumber;
import java.util.function.LongSupplier;

/**
 * A connection as an OpenTelemetry {@code LogRecord}: an event with attributes of the semantic
 * conventions where there are any. docs/reference/otlp-logs.md has every field. Encoded without the
 * generated classes, which would cost some eighty objects each. Owned by: one thread.
 */
final class OtlpLogMapping {
  private static final int TIME = tag(LogRecord.TIME_UNIX_NANO_FIELD_NUMBER, ProtoBytes.FIXED64);
  private static final int OBSERVED =
      tag(LogRecord.OBSERVED_TIME_UNIX_NANO_FIELD_NUMBER, ProtoBytes.FIXED64);
  private static final int SEVERITY =
      tag(LogRecord.SEVERITY_NUMBER_FIELD_NUMBER, ProtoBytes.VARINT);
  private static final int SEVERITY_TEXT =
      tag(LogRecord.SEVERITY_TEXT_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int BODY = tag(LogRecord.BODY_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int ATTRIBUTE = tag(LogRecord.ATTRIBUTES_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int EVENT_NAME = tag(LogRecord.EVENT_NAME_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int KEY = tag(KeyValue.KEY_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int VALUE = tag(KeyValue.VALUE_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int TEXT = tag(AnyValue.STRING_VALUE_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int NUMBER = tag(AnyValue.INT_VALUE_FIELD_NUMBER, ProtoBytes.VARINT);

  /** A key with its tag and length, as it stands in every attribute. */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  private record Key(byte[] encoded) {
    static Key of(String name) {
      ProtoBytes bytes = new ProtoBytes(name.length() + 8);
      bytes.text(KEY, name);
      return new Key(bytes.toByteArray());
    }
  }

  /** Keys of what is known of one end. */
  private record EndKeys(
      Key address,
      Key port,
      Key originalAddress,
      Key originalPort,
      Key cluster,
      Key namespace,
      Key workload,
      Key workloadKind,
      Key pod,
      Key node,
      Key container,
      Key app,
      Key version,
      Key service,
      Key serviceNamespace) {
    static EndKeys of(String end) {
      return new EndKeys(
          Key.of(end + "address"),
          Key.of(end + "port"),
          Key.of(end + "original_address"),
          Key.of(end + "original_port"),
          Key.of(end + "k8s.cluster.name"),
          Key.of(end + "k8s.namespace.name"),
          Key.of(end + "k8s.workload.name"),
          Key.of(end + "k8s.workload.kind"),
          Key.of(end + "k8s.pod.name"),
          Key.of(end + "k8s.node.name"),
          Key.of(end + "container.name"),
          Key.of(end + "service.name"),
          Key.of(end + "service.version"),
          Key.of(end + "k8s.service.name"),
          Key.of(end + "k8s.service.namespace"));
    }
  }

  private static final EndKeys SOURCE = EndKeys.of("source.");
  private static final EndKeys DESTINATION = EndKeys.of("destination.");
  private static final Key UID = Key.of("log.record.uid");
  private static final Key ID = Key.of("mesh.connection.id");
  private static final Key REPORTER = Key.of("reporter");
  private static final Key TRANSPORT = Key.of("network.transport");
  private static final Key TYPE = Key.of("network.type");
  private static final Key TRANSMIT = Key.of("network.io.transmit");
  private static final Key RECEIVE = Key.of("network.io.receive");
  private static final Key PACKETS_TRANSMIT = Key.of("network.packets.transmit");
  private static final Key PACKETS_RECEIVE = Key.of("network.packets.receive");
  private static final Key ERROR_TYPE = Key.of("error.type");
  private static final Key TERMINATION = Key.of("mesh.termination");
  private static final Key START = Key.of("mesh.start_unix_nano");
  private static final Key DURATION = Key.of("mesh.duration_ns");
  private static final Key CONNECT = Key.of("mesh.connect_ns");
  private static final Key RTT = Key.of("mesh.rtt_us");
  private static final Key RTT_VAR = Key.of("mesh.rtt_var_us");
  private static final Key MIN_RTT = Key.of("mesh.min_rtt_us");
  private static final Key RETRANSMITS = Key.of("mesh.retransmits");
  private static final Key BYTES_RETRANSMITTED = Key.of("mesh.bytes_retransmitted");
  private static final Key SYN_RETRANSMITS = Key.of("mesh.syn_retransmits");
  private static final Key TIMEOUTS = Key.of("mesh.timeouts");
  private static final Key REORDERING_EVENTS = Key.of("mesh.reordering_events");
  private static final Key SEGMENTS_DELIVERED = Key.of("mesh.segments_delivered");
  private static final Key SEGMENTS_LOST = Key.of("mesh.segments_lost");
  private static final Key ECN_CE_SEGMENTS = Key.of("mesh.ecn_ce_segments");
  private static final Key RWND_LIMITED = Key.of("mesh.rwnd_limited_us");
  private static final Key PID = Key.of("process.pid");
  private static final Key COMM = Key.of("process.executable.name");
  private static final Key CONTAINER_ID = Key.of("container.id");
  private static final Key CGROUP = Key.of("mesh.cgroup_id");
  private static final Key NETNS = Key.of("mesh.netns");

  private static final byte[] IPV4 = "ipv4".getBytes(UTF_8);
  private static final byte[] IPV6 = "ipv6".getBytes(UTF_8);

  /** Of the record, behind the identity of the connection: @ and a time. */
  private static final int MAX_UID_BYTES = ConnectionIds.MAX_BYTES + 21;

  /** What a record says with words of fixed lists, by the words' ordinals. */
  private static final byte[][] REPORTERS =
      ProtoBytes.utf8(Direction.values(), Direction::reporter);

  private static final byte[][] TRANSPORTS = ProtoBytes.utf8(Transport.values(), Transport::label);
  private static final byte[][] TERMINATIONS =
      ProtoBytes.utf8(Termination.values(), Termination::label);
  private static final byte[][][] EVENTS = new byte[Transport.values().length][][];
  private static final byte[][][] BODIES = new byte[ConnectionEvent.values().length][][];

  static {
    for (Transport transport : Transport.values()) {
      EVENTS[transport.ordinal()] =
          ProtoBytes.utf8(
              ConnectionEvent.values(),
              event -> "mesh." + transport.label() + ".connection." + event.label());
    }
    for (ConnectionEvent event : ConnectionEvent.values()) {
      BODIES[event.ordinal()] = ProtoBytes.utf8(Termination.values(), end -> body(event, end));
    }
  }

  private final ConnectionIds ids;
  private final LongSupplier epochNs;
  private final byte[] address = new byte[AddressText.MAX_LENGTH];
  private final byte[] uid = new byte[MAX_UID_BYTES];

  /**
   * @param epochNs the wall clock, nanoseconds since 1970
   */
  OtlpLogMapping(ConnectionIds ids, LongSupplier epochNs) {
    this.ids = ids;
    this.epochNs = epochNs;
  }

  /** Appends the fields of a log record. */
  void write(Connection c, ProtoBytes out) {
    out.varint(TIME);
    out.fixed64(c.endEpochNs);
    SeverityNumber severity = severity(c);
    out.count(SEVERITY, severity.getNumber());
    out.text(SEVERITY_TEXT, severityText(severity));
    int body = out.open(BODY, ProtoBytes.SHORT);
    out.text(TEXT, BODIES[c.event.ordinal()][c.termination.ordinal()]);
    out.close(body);
    identity(c, out);
    client(c, out);
    server(c, out);
    counts(c, out);
    end(c, out);
    quality(c, out);
    process(c, out);
    out.varint(OBSERVED);
    out.fixed64(epochNs.getAsLong());
    out.text(EVENT_NAME, EVENTS[c.transport.ordinal()][c.event.ordinal()]);
  }

  /** For whoever reads the log: all of it is in attributes too. */
  private static String body(ConnectionEvent event, Termination end) {
    return "connection " + event.label() + (end == Termination.NONE ? "" : ", " + end.label());
  }

  static SeverityNumber severity(Connection c) {
    if (c.event == ConnectionEvent.FAILED) {
      return SeverityNumber.SEVERITY_NUMBER_ERROR;
    }
    return switch (c.termination) {
      case RESET_LOCAL, RESET_REMOTE, TIMEOUT, REFUSED, UNREACHABLE, ABORTED ->
          SeverityNumber.SEVERITY_NUMBER_WARN;
      case FIN_LOCAL, FIN_REMOTE, UNKNOWN, CLOSED, IDLE, NONE ->
          SeverityNumber.SEVERITY_NUMBER_INFO;
    };
  }

  private static String severityText(SeverityNumber severity) {
    return switch (severity) {
      case SEVERITY_NUMBER_ERROR -> "ERROR";
      case SEVERITY_NUMBER_WARN -> "WARN";
      default -> "INFO";
    };
  }

  private void identity(Connection c, ProtoBytes out) {
    int idBytes = ids.write(c, uid, 0);
    int uidBytes = idBytes;
    if (c.event != ConnectionEvent.CLOSED && c.event != ConnectionEvent.FAILED) {
      // A connection that is open has several records; each is another one.
      uid[uidBytes++] = '@';
      uidBytes = Digits.write(c.endMonoNs, uid, uidBytes);
    }
    text(UID, uid, uidBytes, out);
    text(ID, uid, idBytes, out);
    text(REPORTER, REPORTERS[c.direction.ordinal()], out);
    text(TRANSPORT, TRANSPORTS[c.transport.ordinal()], out);
    boolean ipv4 = io.meshlens.flow.Address.isIpv4(c.remoteHigh, c.remoteLow);
    text(TYPE, ipv4 ? IPV4 : IPV6, out);
  }

  private void client(Connection c, ProtoBytes out) {
    if (c.clientIsLocal()) {
      address(SOURCE.address, SOURCE.port, c.localHigh, c.localLow, c.localPort, out);
    } else {
      address(SOURCE.address, SOURCE.port, c.remoteHigh, c.remoteLow, c.remotePort, out);
    }
    if (c.originPortOrZero != 0) {
      address(
          SOURCE.originalAddress,
          SOURCE.originalPort,
          c.originHigh,
          c.originLow,
          c.originPortOrZero,
          out);
    }
    identity(SOURCE, c.source, out);
  }

  private void server(Connection c, ProtoBytes out) {
    EndKeys keys = DESTINATION;
    if (c.reachedPortOrZero != 0) {
      address(keys.address, keys.port, c.reachedHigh, c.reachedLow, c.reachedPortOrZero, out);
    } else if (c.clientIsLocal()) {
      address(keys.address, keys.port, c.remoteHigh, c.remoteLow, c.remotePort, out);
    } else {
      address(keys.address, keys.port, c.localHigh, c.localLow, c.localPort, out);
    }
    if (c.dialledPortOrZero != 0) {
      address(
          keys.originalAddress,
          keys.originalPort,
          c.dialledHigh,
          c.dialledLow,
          c.dialledPortOrZero,
          out);
    }
    identity(keys, c.destination, out);
    known(keys.service, c.destination.service(), out);
    known(keys.serviceNamespace, c.destination.serviceNamespace(), out);
  }

  private static void identity(EndKeys keys, Identity identity, ProtoBytes out) {
    if (identity.isUnknown()) {
      return;
    }
    known(keys.cluster, identity.cluster(), out);
    known(keys.namespace, identity.namespace(), out);
    known(keys.workload, identity.workload(), out);
    known(keys.workloadKind, identity.workloadKind(), out);
    known(keys.pod, identity.pod(), out);
    known(keys.node, identity.node(), out);
    known(keys.container, identity.container(), out);
    known(keys.app, identity.app(), out);
    known(keys.version, identity.version(), out);
  }

  private static void counts(Connection c, ProtoBytes out) {
    number(TRANSMIT, c.bytesSent, out);
    number(RECEIVE, c.bytesReceived, out);
    number(PACKETS_TRANSMIT, c.packetsSent, out);
    number(PACKETS_RECEIVE, c.packetsReceived, out);
  }

  private static void end(Connection c, ProtoBytes out) {
    if (c.termination != Termination.NONE) {
      text(TERMINATION, TERMINATIONS[c.termination.ordinal()], out);
    }
    if (c.event == ConnectionEvent.FAILED || c.error != 0) {
      text(ERROR_TYPE, c.error == 0 ? c.termination.label() : Errno.name(c.error), out);
    }
    if (!c.adopted) {
      number(START, c.startEpochNs(), out);
      number(DURATION, c.durationNs(), out);
    }
    known(CONNECT, c.connectNs(), out);
  }

  private static void quality(Connection c, ProtoBytes out) {
    known(RTT, c.rttUs, out);
    if (c.rttUs != 0) {
      number(RTT_VAR, c.rttVarUs, out);
    }
    known(MIN_RTT, c.minRttUs, out);
    if (c.transport == Transport.TCP) {
      number(RETRANSMITS, c.retransmits, out);
      number(SEGMENTS_DELIVERED, c.segmentsDelivered, out);
    }
    known(BYTES_RETRANSMITTED, c.bytesRetransmitted, out);
    known(SYN_RETRANSMITS, c.synRetransmits, out);
    known(TIMEOUTS, c.timeouts, out);
    known(REORDERING_EVENTS, c.reorderingEvents, out);
    known(SEGMENTS_LOST, c.segmentsLost, out);
    known(ECN_CE_SEGMENTS, c.ecnCeSegments, out);
    known(RWND_LIMITED, c.rwndLimitedUs, out);
  }

  private static void process(Connection c, ProtoBytes out) {
    known(PID, c.pid, out);
    if (c.commLengthBytes != 0) {
      if (c.isCommAscii()) {
        text(COMM, c.comm, c.commLengthBytes, out);
      } else {
        // What is no UTF-8 would make the request invalid.
        text(COMM, new String(c.comm, 0, c.commLengthBytes, UTF_8), out);
      }
    }
    known(CONTAINER_ID, c.containerId, out);
    known(CGROUP, c.cgroupId, out);
    known(NETNS, c.netns, out);
  }

  private void address(Key addressKey, Key portKey, long high, long low, int port, ProtoBytes out) {
    if (port == 0 && high == 0 && low == 0) {
      return; // no address yet: the attempt ended before the socket was bound
    }
    int length = AddressText.write(high, low, address, 0);
    text(addressKey, address, length, out);
    number(portKey, port, out);
  }

  private static int begin(Key key, ProtoBytes out) {
    int attribute = out.open(ATTRIBUTE, ProtoBytes.SHORT);
    out.raw(key.encoded);
    return attribute;
  }

  private static void known(Key key, String text, ProtoBytes out) {
    if (!text.isEmpty()) {
      text(key, text, out);
    }
  }

  private static void known(Key key, long number, ProtoBytes out) {
    if (number != 0) {
      number(key, number, out);
    }
  }

  private static void text(Key key, String text, ProtoBytes out) {
    text(key, text.getBytes(UTF_8), out);
  }

  private static void text(Key key, byte[] utf8, ProtoBytes out) {
    text(key, utf8, utf8.length, out);
  }

  private static void text(Key key, byte[] utf8, int lengthBytes, ProtoBytes out) {
    int attribute = begin(key, out);
    int value = out.open(VALUE, ProtoBytes.SHORT);
    out.varint(TEXT);
    out.varint(lengthBytes);
    out.raw(utf8, 0, lengthBytes);
    out.close(value);
    out.close(attribute);
  }

  private static void number(Key key, long number, ProtoBytes out) {
    int attribute = begin(key, out);
    int value = out.open(VALUE, ProtoBytes.SHORT);
    out.varint(NUMBER);
    out.varint(number);
    out.close(value);
    out.close(attribute);
  }
}
