// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.ConnectionSink;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Termination;
import io.meshlens.flow.Transport;
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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The offsets come from the layout that the kernel build wrote, not from the reader. */
final class UdpReaderTest {
  private static final int AT = 16;
  private static final Pattern MEMBER = Pattern.compile("offset (\\d+), (\\d+) bytes");

  private final Map<String, String> layout = layout();
  private final Vitals vitals = new Vitals();
  private final List<Connection> seen = new ArrayList<>();
  private final MonoClock clock = new MonoClock(() -> 1_000L, () -> Instant.ofEpochSecond(5));
  private final UdpReader reader = new UdpReader(List.of(sink()), c -> {}, clock, vitals);
  private final ByteBuffer record =
      ByteBuffer.allocate(AT + EventType.UDP.sizeBytes()).order(ByteOrder.nativeOrder());

  private ConnectionSink sink() {
    return new ConnectionSink() {
      @Override
      public void accept(Connection connection) {
        seen.add(connection.copy());
      }

      @Override
      public void endBatch() {}
    };
  }

  private static Map<String, String> layout() {
    try {
      return new ObjectMapper()
          .readValue(Path.of("../bpf/wire-layout.json").toFile(), new TypeReference<>() {});
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private void put(String member, long value) {
    Matcher matcher = MEMBER.matcher(String.valueOf(layout.get("struct udp_record." + member)));
    assertThat(matcher.find()).as(member).isTrue();
    int at = AT + Integer.parseInt(matcher.group(1));
    switch (matcher.group(2)) {
      case "1" -> record.put(at, (byte) value);
      case "2" -> record.putShort(at, (short) value);
      case "4" -> record.putInt(at, (int) value);
      case "8" -> record.putLong(at, value);
      default -> record.put(at, Long.toString(value).getBytes(US_ASCII));
    }
  }

  private void putAll() {
    put("socket_cookie", 77);
    put("start_mono_ns", 300);
    put("end_mono_ns", 1_000);
    put("bytes_sent", 101);
    put("bytes_received", 4_294_967_311L);
    put("packets_sent", 13);
    put("packets_received", 17);
    put("cgroup_id", 7919);
    put("comm", 5003);
    put("netns", 4_026_531_840L);
    put("pid", 4711);
    put("flow_number", (3L << 40) + 5);
    put("local_port_be", Short.reverseBytes((short) 53));
    put("remote_port_be", Short.reverseBytes((short) 40_001));
    put("direction", 2);
    put("event", 1);
    put("ending", 2);
  }

  @Test
  void everyMemberReachesTheConnection() {
    putAll();
    reader.accept(record, AT);

    assertThat(seen).hasSize(1);
    Connection c = seen.getFirst();
    assertThat(c.transport).isEqualTo(Transport.UDP);
    assertThat(c.event).isEqualTo(ConnectionEvent.CLOSED);
    assertThat(c.direction).isEqualTo(Direction.INBOUND);
    assertThat(c.termination).isEqualTo(Termination.IDLE);
    assertThat(List.of(c.socketCookie, c.incarnation, c.durationNs()))
        .containsExactly(77L, (3L << 40) + 5, 700L);
    assertThat(c.endEpochNs).isEqualTo(5_000_000_000L);
    assertThat(List.of(c.bytesSent, c.bytesReceived, c.packetsSent, c.packetsReceived))
        .containsExactly(101L, 4_294_967_311L, 13L, 17L);
    assertThat(List.of(c.cgroupId, c.netns, c.pid)).containsExactly(7919L, 4_026_531_840L, 4711L);
    assertThat(List.of(c.localPort, c.remotePort)).containsExactly(53, 40_001);
    assertThat(new String(c.comm, 0, c.commLengthBytes, US_ASCII)).isEqualTo("5003");
  }

  @ParameterizedTest
  @CsvSource({"event, 2", "event, 0", "direction, 3", "ending, 0", "ending, 9"})
  void codesThatNobodyKnowsAreCountedAndSkipped(String member, int code) {
    putAll();
    put(member, code);
    reader.accept(record, AT);

    assertThat(seen).isEmpty();
    assertThat(vitals.get(Vital.RECORDS_LOST_UNKNOWN_KIND)).isEqualTo(1);
  }

  @Test
  void randomBytesNeverThrow() {
    Random random = new Random(7);
    byte[] bytes = new byte[record.capacity()];
    for (int i = 0; i < 10_000; i++) {
      random.nextBytes(bytes);
      record.put(0, bytes);
      reader.accept(record, AT);
    }
    assertThat(seen.size() + vitals.get(Vital.RECORDS_LOST_UNKNOWN_KIND)).isEqualTo(10_000);
  }
}
