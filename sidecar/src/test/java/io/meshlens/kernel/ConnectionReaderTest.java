// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.common.net.InetAddresses;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.ConnectionSink;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Termination;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The offsets come from the layout that the kernel build wrote, not from the readers. */
final class ConnectionReaderTest {
  private static final Map<String, String> LAYOUT = layout();
  private static final String RECORD = "struct connection_record";
  private static final int AT = 24;

  private final Vitals vitals = new Vitals();
  private final CapturingSink sink = new CapturingSink();
  private final MonoClock clock = new MonoClock(() -> 1_000L, () -> Instant.ofEpochSecond(5));
  private final EventDispatch reader =
      dispatch(new ConnectionReader(List.of(sink), c -> {}, clock, vitals));

  private EventDispatch dispatch(EventConsumer consumer) {
    EventDispatch dispatch = new EventDispatch(vitals);
    dispatch.subscribe(EventType.CONNECTION, consumer);
    return dispatch;
  }

  private static final class CapturingSink implements ConnectionSink {
    final List<Connection> connections = new ArrayList<>();

    @Override
    public void accept(Connection connection) {
      connections.add(connection.copy());
    }

    @Override
    public void endBatch() {}
  }

  private static Map<String, String> layout() {
    try {
      return new ObjectMapper()
          .readValue(Path.of("../bpf/wire-layout.json").toFile(), new TypeReference<>() {});
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The number after a word: {@code offset 40, 8 bytes, ...} or {@code 184 bytes}. */
  private static int number(String what, String pattern) {
    var matcher = java.util.regex.Pattern.compile(pattern).matcher(text(what));
    assertThat(matcher.find()).as(what).isTrue();
    return Integer.parseInt(matcher.group(1));
  }

  private static String text(String what) {
    String text = LAYOUT.get(what);
    if (text == null) {
      throw new IllegalArgumentException(what + " is not in the layout");
    }
    return text;
  }

  private static int code(String name) {
    return Integer.parseInt(text(name));
  }

  private static int size() {
    return number(RECORD, "(\\d+) bytes");
  }

  private static void put(ByteBuffer record, String member, long value) {
    String what = RECORD + "." + member;
    putAt(record, AT + number(what, "offset (\\d+)"), number(what, ", (\\d+) bytes"), value);
  }

  private static void putAt(ByteBuffer record, int at, int width, long value) {
    switch (width) {
      case 1 -> record.put(at, (byte) value);
      case 2 -> record.putShort(at, (short) value);
      case 4 -> record.putInt(at, (int) value);
      case 8 -> record.putLong(at, value);
      default -> throw new IllegalArgumentException("width " + width);
    }
  }

  private static void putBytes(ByteBuffer record, String member, byte[] bytes) {
    record.put(AT + number(RECORD + "." + member, "offset (\\d+)"), bytes);
  }

  private static void putPort(ByteBuffer record, String member, int port) {
    int at = AT + number(RECORD + "." + member, "offset (\\d+)");
    record.put(at, (byte) (port >>> 8)).put(at + 1, (byte) port);
  }

  private static void putHeader(ByteBuffer record, String member, long value) {
    String what = "struct record_header." + member;
    int at = number(RECORD + ".header", "offset (\\d+)") + number(what, "offset (\\d+)");
    putAt(record, AT + at, number(what, ", (\\d+) bytes"), value);
  }

  private static int state(String name) {
    return code("enum connection_state.CONNECTION_STATE_" + name);
  }

  private static ByteBuffer empty() {
    return ByteBuffer.allocateDirect(AT + size() + 8).order(ByteOrder.nativeOrder());
  }

  private static byte[] mapped(String ipv4) {
    byte[] bytes = new byte[16];
    bytes[10] = (byte) 0xff;
    bytes[11] = (byte) 0xff;
    System.arraycopy(InetAddresses.forString(ipv4).getAddress(), 0, bytes, 12, 4);
    return bytes;
  }

  /** An outbound connection that the peer ended; every member has a value of its own. */
  private static ByteBuffer good() {
    ByteBuffer record = empty();
    putHeader(record, "kind", code("enum record_kind.RECORD_KIND_CONNECTION"));
    putHeader(record, "version", code("enum wire_abi.WIRE_ABI_VERSION"));
    putHeader(record, "length_bytes", size());
    put(record, "socket_cookie", 0xfedc_ba98_7654_3210L);
    put(record, "start_mono_ns", 1_000_003);
    put(record, "established_mono_ns", 1_000_105);
    put(record, "end_mono_ns", 2_000_007);
    put(record, "bytes_sent", 0x1_0000_0001L);
    put(record, "bytes_received", 0x2_0000_0002L);
    put(record, "bytes_retransmitted", 3_001);
    put(record, "packets_sent", 0x3_0000_0003L);
    put(record, "packets_received", 0x4_0000_0004L);
    put(record, "cgroup_id", 0x5_0000_0005L);
    putBytes(record, "local_address", mapped("10.1.2.3"));
    putBytes(record, "remote_address", InetAddresses.forString("2001:db8::a:b").getAddress());
    putBytes(record, "comm", "curl".getBytes(US_ASCII));
    put(record, "netns", 0xffff_fff1L);
    put(record, "pid", 0x8000_0007L);
    put(record, "rtt_us", 0xffff_fff2L);
    put(record, "rtt_var_us", 0xffff_fff3L);
    put(record, "min_rtt_us", 0xffff_fff4L);
    put(record, "retransmits", 0xffff_fff5L);
    put(record, "syn_retransmits", 0xffff_fff6L);
    put(record, "timeouts", 0xffff_fff7L);
    put(record, "reordering_events", 0xffff_fff8L);
    put(record, "segments_delivered", 0xffff_fff9L);
    put(record, "segments_lost", 0xffff_fffaL);
    put(record, "ecn_ce_segments", 0xffff_fffbL);
    put(record, "rwnd_limited_us", 0x6_0000_0006L);
    putBytes(record, "dialled_address", mapped("10.96.0.1"));
    putPort(record, "dialled_port_be", 80);
    put(record, "flags", code("enum connection_flag.CONNECTION_FLAG_ADOPTED"));
    putPort(record, "local_port_be", 40_001);
    putPort(record, "remote_port_be", 443);
    put(record, "last_state", state("LAST_ACK"));
    put(record, "incarnation", 65_535);
    put(record, "direction", code("enum connection_direction.CONNECTION_DIRECTION_OUTBOUND"));
    put(record, "event", code("enum connection_event.CONNECTION_EVENT_CLOSED"));
    return record;
  }

  private void read(ByteBuffer record) {
    reader.accept(record, AT, size());
  }

  private Connection only() {
    assertThat(sink.connections).hasSize(1);
    return sink.connections.getFirst();
  }

  @Test
  void everyMemberReachesTheConnection() {
    read(good());

    Connection expected = new Connection();
    expected.event = ConnectionEvent.CLOSED;
    expected.direction = Direction.OUTBOUND;
    expected.termination = Termination.FIN_REMOTE;
    expected.socketCookie = 0xfedc_ba98_7654_3210L;
    expected.incarnation = 65_535;
    expected.startMonoNs = 1_000_003;
    expected.establishedMonoNs = 1_000_105;
    expected.endMonoNs = 2_000_007;
    expected.endEpochNs = 5_000_000_000L - 1_000 + 2_000_007;
    expected.localLow = 0x0000_ffff_0a01_0203L;
    expected.remoteHigh = 0x2001_0db8_0000_0000L;
    expected.remoteLow = 0x0000_0000_000a_000bL;
    expected.localPort = 40_001;
    expected.remotePort = 443;
    expected.bytesSent = 0x1_0000_0001L;
    expected.bytesReceived = 0x2_0000_0002L;
    expected.bytesRetransmitted = 3_001;
    expected.packetsSent = 0x3_0000_0003L;
    expected.packetsReceived = 0x4_0000_0004L;
    expected.retransmits = 0xffff_fff5L;
    expected.synRetransmits = 0xffff_fff6L;
    expected.timeouts = 0xffff_fff7L;
    expected.reorderingEvents = 0xffff_fff8L;
    expected.segmentsDelivered = 0xffff_fff9L;
    expected.segmentsLost = 0xffff_fffaL;
    expected.ecnCeSegments = 0xffff_fffbL;
    expected.rwndLimitedUs = 0x6_0000_0006L;
    expected.dialledLow = 0x0000_ffff_0a60_0001L;
    expected.dialledPortOrZero = 80;
    expected.adopted = true;
    expected.rttUs = 0xffff_fff2L;
    expected.rttVarUs = 0xffff_fff3L;
    expected.minRttUs = 0xffff_fff4L;
    expected.pid = 0x8000_0007L;
    expected.cgroupId = 0x5_0000_0005L;
    expected.netns = 0xffff_fff1L;
    expected.commLengthBytes = 4;
    System.arraycopy("curl".getBytes(US_ASCII), 0, expected.comm, 0, 4);
    assertThat(only()).usingRecursiveComparison().isEqualTo(expected);
  }

  @Test
  void failedInboundConnectionIsReadAsSuch() {
    ByteBuffer record = good();
    put(record, "direction", code("enum connection_direction.CONNECTION_DIRECTION_INBOUND"));
    put(record, "event", code("enum connection_event.CONNECTION_EVENT_FAILED"));
    put(record, "error", 110);

    read(record);

    assertThat(only().event).isEqualTo(ConnectionEvent.FAILED);
    assertThat(only().direction).isEqualTo(Direction.INBOUND);
    assertThat(only().error).isEqualTo(110);
    assertThat(only().termination).isEqualTo(Termination.TIMEOUT);
  }

  @Test
  void commandNameWithoutTerminatorHasSixteenBytes() {
    ByteBuffer record = good();
    putBytes(record, "comm", "0123456789abcdef".getBytes(US_ASCII));

    read(record);

    assertThat(only().commLengthBytes).isEqualTo(16);
  }

  @Test
  void shorterCommandNameLeavesNothingOfTheOneBefore() {
    read(good());
    ByteBuffer second = good();
    putBytes(second, "comm", new byte[16]);

    read(second);

    assertThat(sink.connections.getLast().commLengthBytes).isZero();
    assertThat(sink.connections.getLast().comm).containsOnly(0);
  }

  @ParameterizedTest
  @CsvSource({
    "kind, 0, RECORDS_LOST_UNKNOWN_KIND",
    "kind, 2, RECORDS_LOST_UNKNOWN_KIND",
    "kind, 65535, RECORDS_LOST_UNKNOWN_KIND",
    "version, 0, RECORDS_LOST_UNKNOWN_KIND",
    "version, 65535, RECORDS_LOST_UNKNOWN_KIND",
    "length_bytes, 0, RECORDS_LOST_TORN",
    "length_bytes, 8, RECORDS_LOST_TORN",
    "length_bytes, 1024, RECORDS_LOST_TORN",
    "length_bytes, 4294967295, RECORDS_LOST_TORN"
  })
  void recordWithAWrongHeaderIsSkippedAndCounted(String member, long value, Vital vital) {
    ByteBuffer record = good();
    putHeader(record, member, value);

    read(record);
    assertThat(sink.connections).isEmpty();
    assertOnlyLoss(vital);

    read(good());
    assertThat(sink.connections).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource({"event, 0", "event, 5", "event, 255", "direction, 0", "direction, 3"})
  void recordWithAnUnknownCodeIsSkippedAndCounted(String member, long value) {
    ByteBuffer record = good();
    put(record, member, value);

    read(record);
    assertThat(sink.connections).isEmpty();
    assertOnlyLoss(Vital.RECORDS_LOST_UNKNOWN_KIND);

    read(good());
    assertThat(sink.connections).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource({"0", "7", "8", "100"})
  void recordShorterThanItSaysIsSkippedAndCounted(int length) {
    reader.accept(good(), AT, length);
    assertThat(sink.connections).isEmpty();
    assertOnlyLoss(Vital.RECORDS_LOST_TORN);

    read(good());
    assertThat(sink.connections).hasSize(1);
  }

  @Test
  void recordOneByteShortIsSkippedAndCounted() {
    reader.accept(good(), AT, size() - 1);

    assertThat(sink.connections).isEmpty();
    assertOnlyLoss(Vital.RECORDS_LOST_TORN);
  }

  private void assertOnlyLoss(Vital vital) {
    for (Vital each : Vital.values()) {
      assertThat(vitals.get(each)).as(each.name()).isEqualTo(each == vital ? 1 : 0);
    }
  }

  @Test
  void randomBytesNeverThrow() {
    Random random = new Random(20_261_121);
    byte[] noise = new byte[size()];
    int rounds = 100_000;
    for (int round = 0; round < rounds; round++) {
      ByteBuffer record = round % 2 == 0 ? empty() : good();
      random.nextBytes(noise);
      int from = round % 2 == 0 ? 0 : 8;
      record.put(AT + from, noise, from, noise.length - from);
      reader.accept(record, AT, random.nextInt(4) == 0 ? random.nextInt(size()) : size());
    }

    long skipped =
        vitals.get(Vital.RECORDS_LOST_TORN) + vitals.get(Vital.RECORDS_LOST_UNKNOWN_KIND);
    assertThat(sink.connections.size() + skipped).isEqualTo(rounds);
  }

  @Test
  void randomMeasurementsReachTheSink() {
    Random random = new Random(7);
    for (int round = 0; round < 1_000; round++) {
      ByteBuffer record = good();
      long cookie = random.nextLong();
      int port = random.nextInt(65_536);
      long rtt = random.nextInt() & 0xffff_ffffL;
      put(record, "socket_cookie", cookie);
      putPort(record, "remote_port_be", port);
      put(record, "rtt_us", rtt);

      read(record);

      Connection last = sink.connections.getLast();
      assertThat(last.socketCookie).isEqualTo(cookie);
      assertThat(last.remotePort).isEqualTo(port);
      assertThat(last.rttUs).isEqualTo(rtt);
    }
  }
}
