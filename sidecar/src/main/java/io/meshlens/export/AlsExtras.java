// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static io.meshlens.export.ProtoBytes.FIXED64;
import static io.meshlens.export.ProtoBytes.LENGTH_DELIMITED;
import static io.meshlens.export.ProtoBytes.VARINT;
import static io.meshlens.export.ProtoBytes.tag;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import io.envoyproxy.envoy.config.core.v3.Metadata;
import io.envoyproxy.envoy.data.accesslog.v3.AccessLogCommon;
import io.meshlens.accesslog.Rfc3339;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Identity;
import io.meshlens.flow.Termination;
import io.meshlens.flow.Transport;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * What an entry has no field of its own for: custom tags, which are texts, and typed values in
 * {@code metadata.filter_metadata}. Owned by: one thread.
 */
final class AlsExtras {
  /** Key of our part of {@code metadata.filter_metadata}. */
  static final String METADATA_NAMESPACE = "meshlens";

  private static final int KEY = tag(1, LENGTH_DELIMITED);
  private static final int VALUE = tag(2, LENGTH_DELIMITED);
  private static final int METADATA = tag(AccessLogCommon.METADATA_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int FILTER_METADATA =
      tag(Metadata.FILTER_METADATA_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int FIELDS = tag(Struct.FIELDS_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int NUMBER = tag(Value.NUMBER_VALUE_FIELD_NUMBER, FIXED64);
  private static final int TEXT = tag(Value.STRING_VALUE_FIELD_NUMBER, LENGTH_DELIMITED);
  private static final int BOOL = tag(Value.BOOL_VALUE_FIELD_NUMBER, VARINT);
  private static final int STRUCT = tag(Value.STRUCT_VALUE_FIELD_NUMBER, LENGTH_DELIMITED);

  /** Beyond it a double is not every whole number. */
  private static final long MAX_EXACT_DOUBLE = 1L << 53;

  private static final byte[] NAMESPACE = encoded(out -> out.text(KEY, METADATA_NAMESPACE));

  private static final NumberField PACKETS_SENT = new NumberField("packets_sent");
  private static final NumberField PACKETS_RECEIVED = new NumberField("packets_received");
  private static final NumberField RETRANSMITS = new NumberField("retransmits");
  private static final NumberField BYTES_RETRANSMITTED = new NumberField("bytes_retransmitted");
  private static final NumberField SYN_RETRANSMITS = new NumberField("syn_retransmits");
  private static final NumberField TIMEOUTS = new NumberField("timeouts");
  private static final NumberField REORDERING_EVENTS = new NumberField("reordering_events");
  private static final NumberField SEGMENTS_DELIVERED = new NumberField("segments_delivered");
  private static final NumberField SEGMENTS_LOST = new NumberField("segments_lost");
  private static final NumberField ECN_CE_SEGMENTS = new NumberField("ecn_ce_segments");
  private static final NumberField RWND_LIMITED = new NumberField("rwnd_limited_us");
  private static final NumberField CONNECT = new NumberField("connect_ns");
  private static final NumberField RTT = new NumberField("rtt_us");
  private static final NumberField RTT_VAR = new NumberField("rtt_var_us");
  private static final NumberField MIN_RTT = new NumberField("min_rtt_us");
  private static final NumberField PID = new NumberField("pid");
  private static final NumberField CGROUP_ID = new NumberField("cgroup_id");
  private static final NumberField NETNS = new NumberField("netns");
  private static final byte[] COMM = "comm".getBytes(UTF_8);
  private static final byte[] CONTAINER_ID = "container_id".getBytes(UTF_8);
  private static final byte[] TIME = "time".getBytes(UTF_8);
  private static final byte[] ADOPTED = adopted();

  /** Tags of all that an entry can say with words of a fixed list. */
  private static final byte[][] WORDS = words();

  private static final byte[][] PROTOCOLS = protocols();
  private static final byte[] DELTAS = encoded(out -> tagged("counts", "delta", out));

  private final KnownIdentities identities = new KnownIdentities();
  private final Rfc3339 rfc3339 = new Rfc3339();

  /** A number of the metadata: all of its bytes but those of the number. */
  private static final class NumberField {
    private final String name;
    private final byte[] before;

    NumberField(String name) {
      this.name = name;
      byte[] whole =
          encoded(
              out -> {
                int field = out.open(FIELDS, ProtoBytes.SHORT);
                out.text(KEY, name);
                int value = out.open(VALUE, ProtoBytes.SHORT);
                out.varint(NUMBER);
                out.fixed64(0);
                out.close(value);
                out.close(field);
              });
      before = Arrays.copyOf(whole, whole.length - Double.BYTES);
    }

    void write(long value, ProtoBytes out) {
      if (value < 0 || value > MAX_EXACT_DOUBLE) {
        // Such an id would be another one as a double.
        text(name, Long.toUnsignedString(value), out);
        return;
      }
      out.raw(before);
      out.fixed64(Double.doubleToRawLongBits((double) value));
    }

    void writeKnown(long value, ProtoBytes out) {
      if (value != 0) {
        write(value, out);
      }
    }
  }

  private static byte[] encoded(Consumer<ProtoBytes> part) {
    ProtoBytes out = new ProtoBytes(256);
    part.accept(out);
    return out.toByteArray();
  }

  private static byte[] adopted() {
    return encoded(
        out -> {
          int field = out.open(FIELDS, ProtoBytes.SHORT);
          out.text(KEY, "adopted");
          int value = out.open(VALUE, ProtoBytes.SHORT);
          out.count(BOOL, 1);
          out.close(value);
          out.close(field);
        });
  }

  private static byte[][] words() {
    int terminations = Termination.values().length;
    int directions = Direction.values().length;
    byte[][] words = new byte[ConnectionEvent.values().length * directions * terminations][];
    for (ConnectionEvent event : ConnectionEvent.values()) {
      for (Direction direction : Direction.values()) {
        for (Termination termination : Termination.values()) {
          words[index(event, direction, termination)] =
              encoded(out -> writeWords(event, direction, termination, out));
        }
      }
    }
    return words;
  }

  private static byte[][] protocols() {
    return Arrays.stream(Transport.values())
        .map(transport -> encoded(out -> tagged("protocol", transport.label(), out)))
        .toArray(byte[][]::new);
  }

  private static int index(ConnectionEvent event, Direction direction, Termination termination) {
    int pair = event.ordinal() * Direction.values().length + direction.ordinal();
    return pair * Termination.values().length + termination.ordinal();
  }

  private static void writeWords(
      ConnectionEvent event, Direction direction, Termination termination, ProtoBytes out) {
    tagged("event", event.label(), out);
    tagged("reporter", direction.reporter(), out);
    tagged("direction", direction.label(), out);
    if (termination != Termination.NONE) {
      tagged("termination", termination.label(), out);
    }
  }

  /** One custom tag; nothing when the value is unknown. */
  static void tagged(String name, String value, ProtoBytes out) {
    if (!value.isEmpty()) {
      int entry =
          out.open(
              tag(AccessLogCommon.CUSTOM_TAGS_FIELD_NUMBER, LENGTH_DELIMITED), ProtoBytes.SHORT);
      out.text(KEY, name);
      out.text(VALUE, value);
      out.close(entry);
    }
  }

  /** One text of a {@code Struct}; nothing when it is unknown. */
  static void text(String name, String value, ProtoBytes out) {
    if (!value.isEmpty()) {
      byte[] utf8 = value.getBytes(UTF_8);
      text(name.getBytes(UTF_8), utf8, utf8.length, out);
    }
  }

  private static void text(byte[] name, byte[] utf8, int lengthBytes, ProtoBytes out) {
    int field = out.open(FIELDS, ProtoBytes.SHORT);
    out.text(KEY, name);
    int value = out.open(VALUE, ProtoBytes.SHORT);
    out.varint(TEXT);
    out.varint(lengthBytes);
    out.raw(utf8, 0, lengthBytes);
    out.close(value);
    out.close(field);
  }

  /** A {@code Struct} within one. */
  static void struct(String name, byte[] fields, ProtoBytes out) {
    int field = out.open(FIELDS, ProtoBytes.LONG);
    out.text(KEY, name);
    int value = out.open(VALUE, ProtoBytes.LONG);
    out.text(STRUCT, fields);
    out.close(value);
    out.close(field);
  }

  /** UTF-8 of the fully qualified name of an identity's service; empty when unknown. */
  byte[] serviceHost(Identity identity) {
    return identities.of(identity).serviceHost;
  }

  /** Appends {@code custom_tags}. */
  void writeTags(Connection c, ProtoBytes out) {
    out.raw(WORDS[index(c.event, c.direction, c.termination)]);
    out.raw(PROTOCOLS[c.transport.ordinal()]);
    if (c.countsAreDeltas) {
      out.raw(DELTAS);
    }
    out.raw(identities.of(c.source).sourceTags);
    out.raw(identities.of(c.destination).destinationTags);
  }

  /** Appends {@code metadata}. */
  void writeMetadata(Connection c, ProtoBytes out) {
    int metadata = out.open(METADATA, ProtoBytes.LONG);
    int entry = out.open(FILTER_METADATA, ProtoBytes.LONG);
    out.raw(NAMESPACE);
    int struct = out.open(VALUE, ProtoBytes.LONG);
    PACKETS_SENT.write(c.packetsSent, out);
    PACKETS_RECEIVED.write(c.packetsReceived, out);
    if (c.transport == Transport.TCP) {
      writeLosses(c, out);
      writeQuality(c, out);
    }
    writeProcess(c, out);
    if (c.adopted) {
      // Without start and duration, nothing else says when.
      out.raw(ADOPTED);
      byte[] time = new byte[Rfc3339.LENGTH_BYTES];
      text(TIME, time, rfc3339.write(c.endEpochNs, time, 0), out);
    }
    out.raw(identities.of(c.source).sourceFields);
    out.raw(identities.of(c.destination).destinationFields);
    out.close(struct);
    out.close(entry);
    out.close(metadata);
  }

  private static void writeLosses(Connection c, ProtoBytes out) {
    RETRANSMITS.write(c.retransmits, out);
    BYTES_RETRANSMITTED.write(c.bytesRetransmitted, out);
    SYN_RETRANSMITS.write(c.synRetransmits, out);
    TIMEOUTS.write(c.timeouts, out);
    REORDERING_EVENTS.write(c.reorderingEvents, out);
    SEGMENTS_DELIVERED.write(c.segmentsDelivered, out);
    SEGMENTS_LOST.write(c.segmentsLost, out);
    ECN_CE_SEGMENTS.write(c.ecnCeSegments, out);
  }

  private static void writeQuality(Connection c, ProtoBytes out) {
    RWND_LIMITED.writeKnown(c.rwndLimitedUs, out);
    CONNECT.writeKnown(c.connectNs(), out);
    if (c.rttUs != 0) {
      RTT.write(c.rttUs, out);
      RTT_VAR.write(c.rttVarUs, out);
    }
    MIN_RTT.writeKnown(c.minRttUs, out);
  }

  private static void writeProcess(Connection c, ProtoBytes out) {
    PID.writeKnown(c.pid, out);
    CGROUP_ID.writeKnown(c.cgroupId, out);
    NETNS.writeKnown(c.netns, out);
    if (c.commLengthBytes != 0) {
      if (c.isCommAscii()) {
        text(COMM, c.comm, c.commLengthBytes, out);
      } else {
        // What is not UTF-8 becomes U+FFFD.
        text("comm", new String(c.comm, 0, c.commLengthBytes, UTF_8), out);
      }
    }
    if (!c.containerId.isEmpty()) {
      byte[] id = c.containerId.getBytes(UTF_8);
      text(CONTAINER_ID, id, id.length, out);
    }
  }
}
