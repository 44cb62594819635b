// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Struct;
import io.envoyproxy.envoy.config.core.v3.Address;
import io.envoyproxy.envoy.data.accesslog.v3.AccessLogCommon;
import io.envoyproxy.envoy.data.accesslog.v3.AccessLogType;
import io.envoyproxy.envoy.data.accesslog.v3.ResponseFlags;
import io.envoyproxy.envoy.data.accesslog.v3.TCPAccessLogEntry;
import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Termination;
import io.meshlens.flow.Transport;
import java.time.Instant;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

final class AlsMappingTest {
  private static final long CLIENT = 0x0000_ffff_0a00_0001L;
  private static final long SERVER = 0x0000_ffff_0a00_0002L;

  private final ConnectionIds ids = new ConnectionIds("1f0c2a9b");
  private final AlsEntries entries = AlsEntries.of(ids);

  /** 101 bytes from 10.0.0.1:40001 to 10.0.0.2:443 and 103 bytes back, as either side sees it. */
  private static Connection reportedBy(Direction direction) {
    boolean client = direction == Direction.OUTBOUND;
    Connection c = new Connection();
    c.direction = direction;
    c.termination = Termination.FIN_LOCAL;
    c.socketCookie = 77;
    c.startMonoNs = 1_000;
    c.endMonoNs = 2_500_000_900L;
    c.endEpochNs = 1_795_221_953_123_456_789L;
    c.localLow = client ? CLIENT : SERVER;
    c.localPort = client ? 40_001 : 443;
    c.remoteLow = client ? SERVER : CLIENT;
    c.remotePort = client ? 443 : 40_001;
    c.bytesSent = client ? 101 : 103;
    c.bytesReceived = client ? 103 : 101;
    c.bytesRetransmitted = 7;
    return c;
  }

  private TCPAccessLogEntry entry(Connection c) {
    return entries.entry(c);
  }

  private AccessLogCommon common(Connection c) {
    return entry(c).getCommonProperties();
  }

  private Struct metadata(Connection c) {
    return common(c).getMetadata().getFilterMetadataOrThrow("meshlens");
  }

  private static String text(Address address) {
    return address.getSocketAddress().getAddress()
        + ":"
        + address.getSocketAddress().getPortValue();
  }

  @ParameterizedTest
  @EnumSource
  void bothReportersOrientBytesAlike(Direction direction) {
    TCPAccessLogEntry entry = entry(reportedBy(direction));

    assertThat(entry.getConnectionProperties().getReceivedBytes()).isEqualTo(101);
    assertThat(entry.getConnectionProperties().getSentBytes()).isEqualTo(103);
  }

  @Test
  void udpIsASessionWithoutWhatOnlyTcpHas() {
    Connection c = reportedBy(Direction.OUTBOUND);
    c.transport = Transport.UDP;
    c.termination = Termination.IDLE;
    c.bytesRetransmitted = 0;
    AccessLogCommon common = common(c);
    assertThat(common.getAccessLogType()).isEqualTo(AccessLogType.UdpSessionEnd);
    assertThat(common.getCustomTagsMap())
        .containsEntry("protocol", "udp")
        .containsEntry("termination", "idle");
    assertThat(metadata(c).getFieldsMap())
        .containsKey("packets_sent")
        .doesNotContainKeys("retransmits", "segments_delivered");
    c.event = ConnectionEvent.PERIODIC;
    assertThat(common(c).getAccessLogType()).isEqualTo(AccessLogType.UdpPeriodic);
  }

  @ParameterizedTest
  @EnumSource
  void bothReportersNameTheSameEnds(Direction direction) {
    AccessLogCommon common = common(reportedBy(direction));

    assertThat(text(common.getDownstreamRemoteAddress())).isEqualTo("10.0.0.1:40001");
    assertThat(text(common.getUpstreamLocalAddress())).isEqualTo("10.0.0.1:40001");
    assertThat(text(common.getDownstreamLocalAddress())).isEqualTo("10.0.0.2:443");
    assertThat(text(common.getUpstreamRemoteAddress())).isEqualTo("10.0.0.2:443");
  }

  @ParameterizedTest
  @EnumSource
  void wireBytesAreThoseOfTheStreamAsEnvoysTcpProxyCountsThem(Direction direction) {
    AccessLogCommon common = common(reportedBy(direction));

    assertThat(common.getDownstreamWireBytesReceived()).isEqualTo(101);
    assertThat(common.getUpstreamWireBytesSent()).isEqualTo(101);
    assertThat(common.getDownstreamWireBytesSent()).isEqualTo(103);
    assertThat(common.getUpstreamWireBytesReceived()).isEqualTo(103);
  }

  @Test
  void timesAreThoseOfTheConnection() {
    AccessLogCommon common = common(reportedBy(Direction.OUTBOUND));

    Instant start =
        Instant.ofEpochSecond(0, 1_795_221_953_123_456_789L).minusNanos(2_500_000_900L - 1_000);
    assertThat(
            Instant.ofEpochSecond(
                common.getStartTime().getSeconds(), common.getStartTime().getNanos()))
        .isEqualTo(start);
    assertThat(common.getDuration().getSeconds()).isEqualTo(2);
    assertThat(common.getDuration().getNanos()).isEqualTo(499_999_900);
  }

  @Test
  void entryIsTheEndOfATcpConnectionWithItsIdentity() {
    Connection c = reportedBy(Direction.OUTBOUND);

    assertThat(common(c).getAccessLogType()).isEqualTo(AccessLogType.TcpConnectionEnd);
    assertThat(common(c).getStreamId()).isEqualTo(ids.text(c));
    assertThat(common(c).getConnectionTerminationDetails()).isEqualTo("fin_local");
  }

  @Test
  void refusedConnectionIsAnUpstreamFailureWithItsReason() {
    Connection c = reportedBy(Direction.OUTBOUND);
    c.event = ConnectionEvent.FAILED;
    c.termination = Termination.REFUSED;
    c.error = 111;

    assertThat(common(c).getResponseFlags())
        .isEqualTo(ResponseFlags.newBuilder().setUpstreamConnectionFailure(true).build());
    assertThat(common(c).getUpstreamTransportFailureReason()).isEqualTo("ECONNREFUSED");
  }

  @Test
  void unknownValuesAreAbsent() {
    assertThat(metadata(reportedBy(Direction.INBOUND)).getFieldsMap())
        .containsOnlyKeys(
            "packets_sent",
            "packets_received",
            "retransmits",
            "bytes_retransmitted",
            "syn_retransmits",
            "timeouts",
            "reordering_events",
            "segments_delivered",
            "segments_lost",
            "ecn_ce_segments");
    assertThat(common(reportedBy(Direction.INBOUND)).getUpstreamTransportFailureReason()).isEmpty();
  }

  @Test
  void knownValuesAreInTheMetadata() {
    Connection c = reportedBy(Direction.OUTBOUND);
    c.establishedMonoNs = 1_431;
    c.rttUs = 211;
    c.rttVarUs = 37;
    c.minRttUs = 53;
    c.pid = 4711;
    c.cgroupId = 7919;
    c.netns = 4_026_531_840L;
    System.arraycopy("curl".getBytes(US_ASCII), 0, c.comm, 0, 4);
    c.commLengthBytes = 4;
    c.containerId = "3f".repeat(32);
    c.timeouts = 3;
    c.rwndLimitedUs = 8_009;

    Struct fields = metadata(c);

    assertThat(number(fields, "timeouts")).isEqualTo(3);
    assertThat(number(fields, "rwnd_limited_us")).isEqualTo(8_009);
    assertThat(fields.getFieldsOrThrow("container_id").getStringValue()).hasSize(64);

    assertThat(number(fields, "connect_ns")).isEqualTo(431);
    assertThat(number(fields, "rtt_us")).isEqualTo(211);
    assertThat(number(fields, "rtt_var_us")).isEqualTo(37);
    assertThat(number(fields, "min_rtt_us")).isEqualTo(53);
    assertThat(number(fields, "pid")).isEqualTo(4711);
    assertThat(number(fields, "cgroup_id")).isEqualTo(7919);
    assertThat(number(fields, "netns")).isEqualTo(4_026_531_840L);
    assertThat(fields.getFieldsOrThrow("comm").getStringValue()).isEqualTo("curl");
  }

  private static long number(Struct fields, String name) {
    return (long) fields.getFieldsOrThrow(name).getNumberValue();
  }

  @Test
  @SuppressWarnings("deprecation")
  void openConnectionIsAnIntermediateEntry() {
    Connection c = reportedBy(Direction.OUTBOUND);
    c.event = ConnectionEvent.PERIODIC;
    c.termination = Termination.NONE;

    assertThat(common(c).getAccessLogType()).isEqualTo(AccessLogType.TcpPeriodic);
    assertThat(common(c).getIntermediateLogEntry()).isTrue();
    assertThat(common(c).getConnectionTerminationDetails()).isEmpty();
    assertThat(common(c).getCustomTagsMap()).doesNotContainKey("termination");
  }

  @Test
  void adoptedConnectionHasNoStartTime() {
    Connection c = reportedBy(Direction.OUTBOUND);
    c.adopted = true;

    assertThat(common(c).hasStartTime()).isFalse();
    assertThat(common(c).hasDuration()).isFalse();
  }

  @Test
  void adoptedConnectionSaysWhenInsteadOfHowLong() {
    Connection c = reportedBy(Direction.OUTBOUND);
    c.adopted = true;

    assertThat(metadata(c).getFieldsOrThrow("adopted").getBoolValue()).isTrue();
    assertThat(metadata(c).getFieldsOrThrow("time").getStringValue())
        .isEqualTo("2026-11-21T00:45:53.123456789Z");
    assertThat(metadata(reportedBy(Direction.OUTBOUND)).getFieldsMap())
        .doesNotContainKeys("adopted", "time");
  }

  static Stream<Connection> everyCombination() {
    return Arrays.stream(ConnectionEvent.values())
        .flatMap(
            event ->
                Arrays.stream(Direction.values())
                    .flatMap(
                        direction ->
                            Arrays.stream(Termination.values())
                                .map(termination -> of(event, direction, termination))));
  }

  private static Connection of(
      ConnectionEvent event, Direction direction, Termination termination) {
    Connection c = reportedBy(direction);
    c.event = event;
    c.termination = termination;
    return c;
  }

  /** What the generated classes read and write again must be the very bytes. */
  @ParameterizedTest
  @MethodSource("everyCombination")
  void bytesAreThoseOfTheGeneratedClasses(Connection c) throws InvalidProtocolBufferException {
    byte[] bytes = entries.encode(c);

    assertThat(TCPAccessLogEntry.parseFrom(bytes).toByteArray()).isEqualTo(bytes);
    assertThat(TCPAccessLogEntry.parseFrom(bytes).getUnknownFields().asMap()).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("everyCombination")
  void typeAndTagsSayWhatHappened(Connection c) {
    AccessLogCommon common = common(c);

    assertThat(common.getAccessLogType())
        .isEqualTo(
            switch (c.event) {
              case OPENED -> AccessLogType.TcpUpstreamConnected;
              case PERIODIC -> AccessLogType.TcpPeriodic;
              case CLOSED, FAILED -> AccessLogType.TcpConnectionEnd;
            });
    assertThat(common.getCustomTagsOrThrow("event")).isEqualTo(c.event.label());
    assertThat(common.getCustomTagsOrThrow("direction")).isEqualTo(c.direction.label());
    assertThat(common.getCustomTagsOrDefault("termination", "none"))
        .isEqualTo(c.termination.label());
    assertThat(common.getStreamId()).isEqualTo(ids.text(c));
  }

  @Test
  void reasonOfAFailureIsOnTheSideThatItIsOf() {
    Connection dialled = of(ConnectionEvent.FAILED, Direction.OUTBOUND, Termination.TIMEOUT);
    dialled.error = 110;
    Connection accepted = of(ConnectionEvent.FAILED, Direction.INBOUND, Termination.RESET_REMOTE);
    accepted.error = 104;

    assertThat(common(dialled).getUpstreamTransportFailureReason()).isEqualTo("ETIMEDOUT");
    assertThat(common(dialled).getDownstreamTransportFailureReason()).isEmpty();
    assertThat(common(accepted).getDownstreamTransportFailureReason()).isEqualTo("ECONNRESET");
    assertThat(common(accepted).getUpstreamTransportFailureReason()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"0, 0, 0", "1, 0, 1", "7, 6, 7"})
  void attemptsAreTheSynsThatWereSent(long packets, long synRetransmits, int attempts) {
    Connection c = of(ConnectionEvent.FAILED, Direction.OUTBOUND, Termination.TIMEOUT);
    c.packetsSent = packets;
    c.synRetransmits = synRetransmits;

    assertThat(common(c).getUpstreamRequestAttemptCount()).isEqualTo(attempts);
  }

  @Test
  void attemptWithoutAnAddressYetHasNone() {
    Connection c = of(ConnectionEvent.FAILED, Direction.OUTBOUND, Termination.UNKNOWN);
    c.localLow = 0;
    c.localPort = 0;

    assertThat(common(c).hasDownstreamRemoteAddress()).isFalse();
    assertThat(common(c).hasDownstreamDirectRemoteAddress()).isFalse();
    assertThat(common(c).hasUpstreamLocalAddress()).isFalse();
    assertThat(text(common(c).getUpstreamRemoteAddress())).isEqualTo("10.0.0.2:443");
  }

  @Test
  void clientBehindATranslationIsToldApartFromThePeer() {
    Connection c = reportedBy(Direction.INBOUND);
    c.originLow = 0xffff_c0a8_0105L;
    c.originPortOrZero = 51_001;

    assertThat(text(common(c).getDownstreamRemoteAddress())).isEqualTo("192.168.1.5:51001");
    assertThat(text(common(c).getDownstreamDirectRemoteAddress())).isEqualTo("10.0.0.1:40001");
  }

  @Test
  void longIpv6AddressesArePlainText() {
    Connection c = reportedBy(Direction.OUTBOUND);
    c.remoteHigh = 0x2001_0db8_1234_5678L;
    c.remoteLow = 0x9abc_def0_1234_5678L;
    c.remotePort = 65_535;

    assertThat(text(common(c).getUpstreamRemoteAddress()))
        .isEqualTo("2001:db8:1234:5678:9abc:def0:1234:5678:65535");
  }

  @Test
  void numberThatIsNoDoubleIsText() {
    Connection c = reportedBy(Direction.OUTBOUND);
    c.cgroupId = (1L << 53) + 1;
    c.packetsSent = -1;

    assertThat(metadata(c).getFieldsOrThrow("cgroup_id").getStringValue())
        .isEqualTo("9007199254740993");
    assertThat(metadata(c).getFieldsOrThrow("packets_sent").getStringValue())
        .isEqualTo("18446744073709551615");
  }

  @Test
  void nameOfAProcessThatIsNotTextIsReadable() {
    Connection c = reportedBy(Direction.OUTBOUND);
    byte[] comm = {'a', (byte) 0xff, '"', 1};
    System.arraycopy(comm, 0, c.comm, 0, comm.length);
    c.commLengthBytes = comm.length;

    assertThat(metadata(c).getFieldsOrThrow("comm").getStringValue()).isEqualTo("a\ufffd\"\u0001");
  }

  @Test
  void translationIsToldApartOnBothSides() {
    Connection c = reportedBy(Direction.OUTBOUND);
    c.dialledLow = 0xffff_0a60_0001L;
    c.dialledPortOrZero = 80;
    c.reachedLow = 0xffff_0a02_0304L;
    c.reachedPortOrZero = 8_081;

    assertThat(common(c).getDownstreamLocalAddress().getSocketAddress().getAddress())
        .isEqualTo("10.96.0.1");
    assertThat(common(c).getUpstreamRemoteAddress().getSocketAddress().getAddress())
        .isEqualTo("10.2.3.4");
    assertThat(common(c).getUpstreamRemoteAddress().getSocketAddress().getPortValue())
        .isEqualTo(8_081);
  }

  @Test
  void reporterIsTold() {
    assertThat(common(reportedBy(Direction.INBOUND)).getCustomTagsOrThrow("reporter"))
        .isEqualTo("destination");
    assertThat(common(reportedBy(Direction.OUTBOUND)).getCustomTagsOrThrow("reporter"))
        .isEqualTo("source");
  }
}
