// SPDX-License-Identifier: Apache-2.0
package io.meshlens.benchmarks;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.meshlens.wire.ConnectionRecordReader;
import io.meshlens.wire.WireCodes;
import io.meshlens.wire.WireOffsets;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Connection records one after the other, as a busy loopback server leaves them in the ring: short
 * requests, outbound and inbound in turns, each with its own cookie, port and times. Direct memory,
 * as the mapped ring is.
 */
public final class RecordedRing {
  /** A power of two; about 190 KB, more than the first-level cache holds and less than a ring. */
  public static final int RECORDS = 1024;

  private static final String RECORD = "connection_record";
  private static final int RECORD_HEADER_BYTES = 8;
  private static final long FIRST_START_MONO_NS = 86_400_000_000_000L;
  private static final int SERVER_PORT = 8080;
  private static final int FIRST_CLIENT_PORT = 32_768;
  private static final byte[] LOOPBACK = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, 127, 0, 0, 1};

  private final int strideBytes = RECORD_HEADER_BYTES + ConnectionRecordReader.SIZE_BYTES;
  private final ByteBuffer data =
      ByteBuffer.allocateDirect(RECORDS * strideBytes).order(ByteOrder.nativeOrder());

  public RecordedRing() {
    for (int i = 0; i < RECORDS; i++) {
      record(i);
    }
  }

  public ByteBuffer data() {
    return data;
  }

  /** Offset of a record; indexes wrap around. */
  public int offset(int index) {
    return (index & (RECORDS - 1)) * strideBytes + RECORD_HEADER_BYTES;
  }

  private void record(int index) {
    int base = offset(index);
    boolean outbound = index % 2 == 0;
    data.putShort(base + header("kind"), (short) WireCodes.RECORD_KIND_CONNECTION);
    data.putShort(base + header("version"), (short) WireCodes.WIRE_ABI_VERSION);
    data.putInt(base + header("length_bytes"), ConnectionRecordReader.SIZE_BYTES);
    data.put(base + at("event"), (byte) WireCodes.CONNECTION_EVENT_CLOSED);
    data.put(
        base + at("direction"),
        (byte)
            (outbound
                ? WireCodes.CONNECTION_DIRECTION_OUTBOUND
                : WireCodes.CONNECTION_DIRECTION_INBOUND));
    data.put(base + at("last_state"), lastState(outbound));
    times(base, index, outbound);
    ends(base, index, outbound);
    counts(base, outbound);
    owner(base, outbound);
  }

  /** The server closes first. */
  private static byte lastState(boolean outbound) {
    return (byte)
        (outbound ? WireCodes.CONNECTION_STATE_LAST_ACK : WireCodes.CONNECTION_STATE_FIN_WAIT2);
  }

  private void times(int base, int index, boolean outbound) {
    long startMonoNs = FIRST_START_MONO_NS + index * 21_137L;
    data.putLong(base + at("socket_cookie"), 0x1d_4c00L + index);
    data.putLong(base + at("start_mono_ns"), startMonoNs);
    data.putLong(base + at("established_mono_ns"), startMonoNs + (outbound ? 14_211 : 0));
    data.putLong(base + at("end_mono_ns"), startMonoNs + 612_345 + index);
  }

  private void ends(int base, int index, boolean outbound) {
    short clientPort = networkOrder(FIRST_CLIENT_PORT + index);
    short serverPort = networkOrder(SERVER_PORT);
    data.put(base + at("local_address"), LOOPBACK);
    data.put(base + at("remote_address"), LOOPBACK);
    data.putShort(base + at("local_port_be"), outbound ? clientPort : serverPort);
    data.putShort(base + at("remote_port_be"), outbound ? serverPort : clientPort);
  }

  private void counts(int base, boolean outbound) {
    data.putLong(base + at("bytes_sent"), outbound ? 64 : 182);
    data.putLong(base + at("bytes_received"), outbound ? 182 : 64);
    data.putLong(base + at("packets_sent"), outbound ? 5 : 4);
    data.putLong(base + at("packets_received"), outbound ? 4 : 5);
    data.putInt(base + at("rtt_us"), 36);
    data.putInt(base + at("rtt_var_us"), 17);
    data.putInt(base + at("min_rtt_us"), 12);
  }

  private void owner(int base, boolean outbound) {
    data.putLong(base + at("cgroup_id"), 4242);
    data.putInt(base + at("netns"), (int) 4_026_531_840L);
    data.putInt(base + at("pid"), outbound ? 31_337 : 31_001);
    data.put(base + at("comm"), (outbound ? "wrk" : "nginx").getBytes(US_ASCII));
  }

  private static int at(String field) {
    return WireOffsets.of(RECORD, field);
  }

  private static int header(String field) {
    return WireOffsets.of("record_header", field);
  }

  private static short networkOrder(int port) {
    return Short.reverseBytes((short) port);
  }
}
