// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshlens.flow.AddressText;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Errno;
import io.meshlens.flow.Termination;
import io.meshlens.flow.Transport;
import java.util.Arrays;
import java.util.function.Function;

/**
 * The access log record as one JSON line, schema {@code meshlens.connection.v1}. A key whose value
 * is unknown is left out.
 *
 * <p>Owned by: ring-reader. Written by hand because it runs for every connection of the node: tens
 * of thousands of times a second, with no allocation.
 */
public final class JsonFormat implements LineFormat {
  /**
   * No line is longer: all keys, numbers at their widest, a command name of escapes only, and two
   * identities.
   */
  public static final int MAX_LINE_BYTES = 2048 + 2 * IdentityJson.MAX_BYTES;

  private static final Piece SCHEMA =
      new Piece("{\"schema\":\"meshlens.connection.v1\",\"event\":\"");
  private static final Piece ID = new Piece("\",\"id\":\"");
  private static final Piece TIME = new Piece("\",\"time\":\"");
  private static final Piece START_TIME = new Piece(",\"start_time\":\"");
  private static final Piece DURATION = new Piece("\",\"duration_ns\":");
  private static final Piece CONNECT = new Piece(",\"connect_ns\":");
  private static final Piece DIRECTION = new Piece(",\"direction\":\"");
  private static final Piece PROTOCOL = new Piece("\",\"protocol\":\"");
  private static final Piece SOURCE = new Piece("\",\"source\":{");
  private static final Piece ADDRESS = new Piece("\"address\":\"");
  private static final Piece PORT = new Piece("\",\"port\":");
  private static final Piece ORIGINAL_ADDRESS = new Piece(",\"original_address\":\"");
  private static final Piece ORIGINAL_PORT = new Piece("\",\"original_port\":");
  private static final Piece DESTINATION = new Piece("},\"destination\":{");
  private static final Piece BYTES_SENT = new Piece("},\"bytes_sent\":");
  private static final Piece BYTES_RECEIVED = new Piece(",\"bytes_received\":");
  private static final Piece PACKETS_SENT = new Piece(",\"packets_sent\":");
  private static final Piece PACKETS_RECEIVED = new Piece(",\"packets_received\":");
  private static final Piece DELTAS = new Piece(",\"counts\":\"delta\"");
  private static final Piece RTT = new Piece(",\"rtt_us\":");
  private static final Piece RTT_VAR = new Piece(",\"rtt_var_us\":");
  private static final Piece MIN_RTT = new Piece(",\"min_rtt_us\":");
  private static final Piece RETRANSMITS = new Piece(",\"retransmits\":");
  private static final Piece BYTES_RETRANSMITTED = new Piece(",\"bytes_retransmitted\":");
  private static final Piece SYN_RETRANSMITS = new Piece(",\"syn_retransmits\":");
  private static final Piece TIMEOUTS = new Piece(",\"timeouts\":");
  private static final Piece REORDERING_EVENTS = new Piece(",\"reordering_events\":");
  private static final Piece NOTHING_RETRANSMITTED =
      Piece.zeros(RETRANSMITS, BYTES_RETRANSMITTED, SYN_RETRANSMITS, TIMEOUTS, REORDERING_EVENTS);
  private static final Piece SEGMENTS_DELIVERED = new Piece(",\"segments_delivered\":");
  private static final Piece SEGMENTS_LOST = new Piece(",\"segments_lost\":");
  private static final Piece ECN_CE_SEGMENTS = new Piece(",\"ecn_ce_segments\":");
  private static final Piece NOTHING_MARKED = Piece.zeros(SEGMENTS_LOST, ECN_CE_SEGMENTS);
  private static final Piece RWND_LIMITED = new Piece(",\"rwnd_limited_us\":");
  private static final Piece TERMINATION = new Piece(",\"termination\":\"");
  private static final Piece ERROR = new Piece(",\"error\":\"");
  private static final Piece PROCESS = new Piece(",\"process\":{");
  private static final Piece PID = new Piece("\"pid\":");
  private static final Piece COMM = new Piece("\"comm\":\"");
  private static final Piece CGROUP_ID = new Piece("\"cgroup_id\":");
  private static final Piece NETNS = new Piece("\"netns\":");
  private static final Piece CONTAINER_ID = new Piece("\"container_id\":\"");
  private static final Piece END = new Piece("}}\n");

  private static final Piece[] EVENTS = labels(ConnectionEvent.values(), ConnectionEvent::label);
  private static final Piece[] DIRECTIONS = labels(Direction.values(), Direction::label);
  private static final Piece[] TRANSPORTS = labels(Transport.values(), Transport::label);
  private static final Piece[] TERMINATIONS = labels(Termination.values(), Termination::label);

  private final ConnectionIds ids;
  private final IdentityJson identities = new IdentityJson();
  private final Rfc3339 time = new Rfc3339();
  private final Rfc3339 startTime = new Rfc3339();
  private byte[] out = new byte[0];
  private int at;

  public JsonFormat(ConnectionIds ids) {
    this.ids = ids;
  }

  @Override
  public int maxLineBytes() {
    return MAX_LINE_BYTES;
  }

  @Override
  public int write(Connection c, byte[] target, int offset) {
    out = target;
    at = offset;
    writeIdentityAndTime(c);
    writeEnds(c);
    writeCounts(c);
    if (c.transport == Transport.TCP) {
      writeQuality(c);
    }
    if (c.termination != Termination.NONE) {
      put(TERMINATION);
      put(TERMINATIONS[c.termination.ordinal()]);
      out[at++] = '"';
    }
    if (c.event == ConnectionEvent.FAILED && c.error != 0 && c.error != Errno.UNKNOWN) {
      put(ERROR);
      put(Errno.name(c.error).getBytes(US_ASCII));
      out[at++] = '"';
    }
    writeProcess(c);
    put(END);
    return at;
  }

  private void writeIdentityAndTime(Connection c) {
    put(SCHEMA);
    put(EVENTS[c.event.ordinal()]);
    put(ID);
    at = ids.write(c, out, at);
    put(TIME);
    at = time.write(c.endEpochNs, out, at);
    out[at++] = '"';
    if (!c.adopted) {
      put(START_TIME);
      at = startTime.write(c.startEpochNs(), out, at);
      put(DURATION);
      at = Digits.write(c.durationNs(), out, at);
    }
    long connectNs = c.connectNs();
    if (connectNs != 0) {
      number(CONNECT, connectNs);
    }
  }

  private void writeEnds(Connection c) {
    put(DIRECTION);
    put(DIRECTIONS[c.direction.ordinal()]);
    put(PROTOCOL);
    put(TRANSPORTS[c.transport.ordinal()]);
    put(SOURCE);
    if (c.clientIsLocal()) {
      writeEnd(c.localHigh, c.localLow, c.localPort);
    } else {
      writeEnd(c.remoteHigh, c.remoteLow, c.remotePort);
    }
    if (c.originPortOrZero != 0) {
      writeOriginal(c.originHigh, c.originLow, c.originPortOrZero);
    }
    at = identities.write(c.source, out, at);
    put(DESTINATION);
    if (c.reachedPortOrZero != 0) {
      writeEnd(c.reachedHigh, c.reachedLow, c.reachedPortOrZero);
    } else if (c.clientIsLocal()) {
      writeEnd(c.remoteHigh, c.remoteLow, c.remotePort);
    } else {
      writeEnd(c.localHigh, c.localLow, c.localPort);
    }
    if (c.dialledPortOrZero != 0) {
      writeOriginal(c.dialledHigh, c.dialledLow, c.dialledPortOrZero);
    }
    at = identities.write(c.destination, out, at);
  }

  private void writeEnd(long high, long low, int port) {
    if (port == 0 && high == 0 && low == 0) {
      return; // no address yet: the attempt ended before the socket was bound
    }
    put(ADDRESS);
    at = AddressText.write(high, low, out, at);
    number(PORT, port);
  }

  private void writeOriginal(long high, long low, int port) {
    put(ORIGINAL_ADDRESS);
    at = AddressText.write(high, low, out, at);
    number(ORIGINAL_PORT, port);
  }

  private void writeCounts(Connection c) {
    number(BYTES_SENT, c.bytesSent);
    number(BYTES_RECEIVED, c.bytesReceived);
    number(PACKETS_SENT, c.packetsSent);
    number(PACKETS_RECEIVED, c.packetsReceived);
    if (c.countsAreDeltas) {
      put(DELTAS);
    }
  }

  private void writeQuality(Connection c) {
    if (c.rttUs != 0) {
      number(RTT, c.rttUs);
      number(RTT_VAR, c.rttVarUs);
    }
    if (c.minRttUs != 0) {
      number(MIN_RTT, c.minRttUs);
    }
    writeLosses(c);
    number(SEGMENTS_DELIVERED, c.segmentsDelivered);
    if ((c.segmentsLost | c.ecnCeSegments) == 0) {
      put(NOTHING_MARKED);
    } else {
      number(SEGMENTS_LOST, c.segmentsLost);
      number(ECN_CE_SEGMENTS, c.ecnCeSegments);
    }
    if (c.rwndLimitedUs != 0) {
      number(RWND_LIMITED, c.rwndLimitedUs);
    }
  }

  /** Most connections lose nothing: one piece then. */
  private void writeLosses(Connection c) {
    if ((c.retransmits | c.bytesRetransmitted | c.synRetransmits | c.timeouts | c.reorderingEvents)
        == 0) {
      put(NOTHING_RETRANSMITTED);
      return;
    }
    number(RETRANSMITS, c.retransmits);
    number(BYTES_RETRANSMITTED, c.bytesRetransmitted);
    number(SYN_RETRANSMITS, c.synRetransmits);
    number(TIMEOUTS, c.timeouts);
    number(REORDERING_EVENTS, c.reorderingEvents);
  }

  private void writeProcess(Connection c) {
    put(PROCESS);
    int first = at;
    if (c.pid != 0) {
      number(PID, c.pid);
    }
    if (c.commLengthBytes != 0) {
      separate(first);
      put(COMM);
      writeComm(c);
      out[at++] = '"';
    }
    if (c.cgroupId != 0) {
      separate(first);
      number(CGROUP_ID, c.cgroupId);
    }
    if (c.netns != 0) {
      separate(first);
      number(NETNS, c.netns);
    }
    if (!c.containerId.isEmpty()) {
      separate(first);
      put(CONTAINER_ID);
      for (int i = 0; i < c.containerId.length(); i++) {
        out[at++] = (byte) c.containerId.charAt(i);
      }
      out[at++] = '"';
    }
  }

  private void separate(int first) {
    if (at != first) {
      out[at++] = ',';
    }
  }

  private void writeComm(Connection c) {
    for (int i = 0; i < c.commLengthBytes; i++) {
      byte b = c.comm[i];
      if (b < ' ' || b == '"' || b == '\\' || b == 0x7f) {
        writeEscapedComm(c);
        return;
      }
    }
    System.arraycopy(c.comm, 0, out, at, c.commLengthBytes);
    at += c.commLengthBytes;
  }

  /**
   * A process may call itself anything: other bytes than UTF-8 become U+FFFD. Rare, may allocate.
   */
  private void writeEscapedComm(Connection c) {
    String comm = new String(c.comm, 0, c.commLengthBytes, UTF_8);
    put(JsonText.escaped(comm).getBytes(UTF_8));
  }

  private void number(Piece key, long value) {
    put(key);
    at = Digits.write(value, out, at);
  }

  private void put(Piece piece) {
    at = piece.write(out, at);
  }

  private void put(byte[] text) {
    System.arraycopy(text, 0, out, at, text.length);
    at += text.length;
  }

  private static <E> Piece[] labels(E[] values, Function<E, String> label) {
    return Arrays.stream(values).map(label).map(Piece::new).toArray(Piece[]::new);
  }
}
