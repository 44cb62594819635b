// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Errno;
import io.meshlens.flow.Identity;
import io.meshlens.flow.Termination;
import io.meshlens.flow.Transport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class JsonFormatTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden/connection.json");
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .configure(JsonParser.Feature.STRICT_DUPLICATE_DETECTION, true)
          .configure(
              com.fasterxml.jackson.databind.DeserializationFeature.FAIL_ON_TRAILING_TOKENS, true);

  private final ConnectionIds ids = new ConnectionIds("1f0c2a9b-0000-4000-8000-000000000000");
  private final JsonFormat format = new JsonFormat(ids);

  private byte[] bytes(Connection c) {
    byte[] out = new byte[JsonFormat.MAX_LINE_BYTES];
    return Arrays.copyOf(out, format.write(c, out, 0));
  }

  private JsonNode parsed(Connection c) throws IOException {
    // Bytes that are not UTF-8 make Jackson fail.
    return JSON.readTree(bytes(c));
  }

  private static Identity everything() {
    return Identity.builder()
        .cluster("c1")
        .network("net1")
        .node("n1")
        .namespace("shop")
        .workload("cart", "Deployment")
        .pod("cart-5d4f-x")
        .container("app")
        .service("cart-svc", "shop-svc", "cart-svc.shop-svc.svc.cluster.local")
        .app("cart-app")
        .version("v2")
        .serviceAccount("robot", "mesh.example")
        .source("kubernetes")
        .build();
  }

  @Test
  void endsCarryWhoTheyAre() throws IOException {
    Connection c = Samples.full();
    c.source = everything();
    c.destination = Identity.builder().service("pay", "shop", "").source("kubernetes").build();

    assertThat(parsed(c).get("source"))
        .isEqualTo(
            JSON.readTree(
                """
                {"address": "10.1.2.3", "port": 40001, "workload": "cart",
                 "workload_kind": "Deployment", "namespace": "shop", "pod": "cart-5d4f-x",
                 "container": "app", "service": "cart-svc", "service_namespace": "shop-svc",
                 "node": "n1", "cluster": "c1", "network": "net1", "app": "cart-app",
                 "version": "v2", "service_account": "robot"}
                """));
    assertThat(parsed(c).get("destination"))
        .isEqualTo(
            JSON.readTree(
                """
                {"address": "2001:db8::5", "port": 443, "original_address": "10.96.0.1",
                 "original_port": 80, "service": "pay", "service_namespace": "shop"}
                """));
  }

  @Test
  void anEndWithoutAddressMayHaveAnIdentity() throws IOException {
    Connection c = Samples.failed();
    c.localLow = 0;
    c.localPort = 0;
    c.source = Identity.builder().container("app").source("container").build();

    assertThat(parsed(c).get("source")).isEqualTo(JSON.readTree("{\"container\": \"app\"}"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "with \"quotes\" and \\ backslash",
        "with\nnewline\tand \u0000 zero and \u007f",
        "\u00e4\u20ac \ud83d\ude00",
        "</script>"
      })
  void whateverANameHoldsTheLineIsValid(String name) throws IOException {
    Connection c = Samples.full();
    c.source = everything().toBuilder().workload(name, "x").build();

    assertThat(parsed(c).at("/source/workload").textValue()).isEqualTo(name);
  }

  @Test
  void aNameWithHalfACharacterStaysValid() throws IOException {
    Connection c = Samples.full();
    c.source = everything().toBuilder().workload("half \ud83d", "x").build();

    assertThat(parsed(c).at("/source/workload").textValue()).isEqualTo("half ?");
  }

  @Test
  void aNameThatDoesNotFitIsLeftOutAndTheOthersAreThere() throws IOException {
    Connection c = Samples.full();
    c.source = everything().toBuilder().workload("\n".repeat(10_000), "x").build();
    c.destination = c.source;

    assertThat(parsed(c).at("/source/workload").isMissingNode()).isTrue();
    assertThat(parsed(c).at("/destination/pod").textValue()).isEqualTo("cart-5d4f-x");
    assertThat(bytes(c).length).isLessThan(JsonFormat.MAX_LINE_BYTES);
  }

  @Test
  void manyIdentitiesAreEachWrittenAsTheirOwn() throws IOException {
    Connection c = Samples.full();
    for (int i = 0; i < 20_000; i++) {
      c.source = Identity.builder().workload("w" + i, "").source("test").build();
      assertThat(parsed(c).at("/source/workload").textValue()).isEqualTo("w" + i);
    }
  }

  @Test
  void fullConnectionIsWhatTheSchemaSays() throws IOException {
    assertThat(parsed(Samples.full()))
        .isEqualTo(
            JSON.readTree(
                """
                {"schema": "meshlens.connection.v1", "event": "closed", "id": "1f0c2a9b-4d2.3",
                 "time": "2026-11-21T00:45:53.123456789Z",
                 "start_time": "2026-11-21T00:45:51.123456782Z",
                 "duration_ns": 2000000007, "connect_ns": 431,
                 "direction": "outbound", "protocol": "tcp",
                 "source": {"address": "10.1.2.3", "port": 40001},
                 "destination": {"address": "2001:db8::5", "port": 443,
                  "original_address": "10.96.0.1", "original_port": 80},
                 "bytes_sent": 119, "bytes_received": 4294967311,
                 "packets_sent": 17, "packets_received": 19,
                 "rtt_us": 211, "rtt_var_us": 37, "min_rtt_us": 53,
                 "retransmits": 2, "bytes_retransmitted": 13, "syn_retransmits": 1,
                 "timeouts": 3, "reordering_events": 5, "segments_delivered": 23,
                 "segments_lost": 7, "ecn_ce_segments": 11, "rwnd_limited_us": 8009,
                 "termination": "fin_remote",
                 "process": {"pid": 4711, "comm": "curl", "cgroup_id": 7919, "netns": 4026531840,
                  "container_id": "%s"}}
                """
                    .formatted("3f".repeat(32))));
  }

  @Test
  void unknownValuesAreAbsent() throws IOException {
    assertThat(parsed(Samples.minimal()))
        .isEqualTo(
            JSON.readTree(
                """
                {"schema": "meshlens.connection.v1", "event": "closed", "id": "1f0c2a9b-4d2",
                 "time": "2026-11-21T00:45:53.123456789Z",
                 "start_time": "2026-11-21T00:45:51.123456782Z",
                 "duration_ns": 2000000007,
                 "direction": "outbound", "protocol": "tcp",
                 "source": {"address": "10.1.2.3", "port": 40001},
                 "destination": {"address": "2001:db8::5", "port": 443},
                 "bytes_sent": 0, "bytes_received": 0,
                 "packets_sent": 0, "packets_received": 0,
                 "retransmits": 0, "bytes_retransmitted": 0, "syn_retransmits": 0,
                 "timeouts": 0, "reordering_events": 0, "segments_delivered": 0,
                 "segments_lost": 0, "ecn_ce_segments": 0,
                 "termination": "fin_remote", "process": {}}
                """));
  }

  @Test
  void ofUdpThereIsNothingThatOnlyTcpHas() throws IOException {
    Connection c = Samples.minimal();
    c.transport = Transport.UDP;
    c.termination = Termination.IDLE;
    c.incarnation = 2_097_152;
    assertThat(parsed(c))
        .isEqualTo(
            JSON.readTree(
                """
                {"schema": "meshlens.connection.v1", "event": "closed",
                 "id": "1f0c2a9b-4d2.2097152",
                 "time": "2026-11-21T00:45:53.123456789Z",
                 "start_time": "2026-11-21T00:45:51.123456782Z",
                 "duration_ns": 2000000007,
                 "direction": "outbound", "protocol": "udp",
                 "source": {"address": "10.1.2.3", "port": 40001},
                 "destination": {"address": "2001:db8::5", "port": 443},
                 "bytes_sent": 0, "bytes_received": 0,
                 "packets_sent": 0, "packets_received": 0,
                 "termination": "idle", "process": {}}
                """));
  }

  @Test
  void failedConnectionNamesItsError() throws IOException {
    JsonNode line = parsed(Samples.failed());

    assertThat(line.path("event").asText()).isEqualTo("failed");
    assertThat(line.path("termination").asText()).isEqualTo("refused");
    assertThat(line.path("error").asText()).isEqualTo("ECONNREFUSED");
  }

  @Test
  void failureWithoutErrorNumberHasNoErrorKey() throws IOException {
    Connection c = Samples.failed();
    c.error = 0;
    c.termination = Termination.ABORTED;

    assertThat(parsed(c).has("error")).isFalse();
  }

  @Test
  void errorThatNobodyKnowsHasNoName() throws IOException {
    Connection c = Samples.failed();
    c.error = Errno.UNKNOWN;
    c.termination = Termination.UNKNOWN;

    assertThat(parsed(c).has("error")).isFalse();
    assertThat(parsed(c).path("termination").asText()).isEqualTo("unknown");
  }

  @Test
  void attemptOfAnUnboundSocketHasNoSourceAddress() throws IOException {
    Connection c = Samples.failed();
    c.localHigh = 0;
    c.localLow = 0;
    c.localPort = 0;

    assertThat(parsed(c).path("source")).isEmpty();
    assertThat(parsed(c).at("/destination/port").asInt()).isEqualTo(443);
  }

  @Test
  void openConnectionHasNoTermination() throws IOException {
    Connection c = Samples.full();
    c.event = ConnectionEvent.PERIODIC;
    c.termination = Termination.NONE;

    assertThat(parsed(c).path("event").asText()).isEqualTo("periodic");
    assertThat(parsed(c).has("termination")).isFalse();
    assertThat(parsed(c).has("duration_ns")).isTrue();
  }

  @Test
  void adoptedConnectionHasNoBeginning() throws IOException {
    Connection c = Samples.full();
    c.adopted = true;

    JsonNode line = parsed(c);

    assertThat(line.has("start_time")).isFalse();
    assertThat(line.has("duration_ns")).isFalse();
    assertThat(line.has("connect_ns")).isFalse();
    assertThat(line.has("time")).isTrue();
  }

  @Test
  void destinationIsWhatWasReachedAndSourceKeepsItsOrigin() throws IOException {
    Connection c = Samples.full();
    c.reachedHigh = 0;
    c.reachedLow = Samples.MAPPED | 0x0a02_0304L;
    c.reachedPortOrZero = 8_081;
    c.originHigh = 0;
    c.originLow = Samples.MAPPED | 0x0a02_0909L;
    c.originPortOrZero = 33_333;

    JsonNode line = parsed(c);

    assertThat(line.at("/destination/address").asText()).isEqualTo("10.2.3.4");
    assertThat(line.at("/destination/port").asInt()).isEqualTo(8_081);
    assertThat(line.at("/destination/original_address").asText()).isEqualTo("10.96.0.1");
    assertThat(line.at("/source/address").asText()).isEqualTo("10.1.2.3");
    assertThat(line.at("/source/original_address").asText()).isEqualTo("10.2.9.9");
    assertThat(line.at("/source/original_port").asInt()).isEqualTo(33_333);
  }

  @Test
  void inboundConnectionHasThePeerAsSource() throws IOException {
    Connection c = Samples.full();
    c.direction = Direction.INBOUND;

    JsonNode line = parsed(c);

    assertThat(line.path("source").path("address").asText()).isEqualTo("2001:db8::5");
    assertThat(line.path("source").path("port").asInt()).isEqualTo(443);
    assertThat(line.path("destination").path("address").asText()).isEqualTo("10.1.2.3");
  }

  @Test
  void lineIsOneLine() {
    String line = new String(bytes(Samples.full()), UTF_8);

    assertThat(line).endsWith("}\n").containsOnlyOnce("\n");
  }

  @Test
  void lineIsAsInTheGoldenFile() throws IOException {
    byte[] line = bytes(Samples.full());
    if (Boolean.getBoolean("golden.update")) {
      Files.createDirectories(GOLDEN.toAbsolutePath().getParent());
      Files.write(GOLDEN, line);
    }

    assertThat(GOLDEN).exists().hasBinaryContent(line);
  }

  @Test
  void identityInTheLineIsTheTextOfTheIdentity() throws IOException {
    Random random = new Random(3);
    for (int i = 0; i < 1_000; i++) {
      Connection c = Samples.minimal();
      c.socketCookie = random.nextLong() >>> random.nextInt(64);
      c.incarnation = random.nextLong() >>> random.nextInt(64);

      assertThat(parsed(c).path("id").asText()).isEqualTo(ids.text(c));
    }
  }

  @Test
  void identityHasTheIncarnationOnlyAfterTheFirst() {
    Connection c = Samples.minimal();
    assertThat(ids.text(c)).isEqualTo("1f0c2a9b-4d2");

    c.incarnation = 65_535;
    assertThat(ids.text(c)).isEqualTo("1f0c2a9b-4d2.65535");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "say \"hi\"",
        "back\\slash",
        "tab\tnewline\n",
        "\u0001\u001f\u007f",
        "müller",
        "日本語",
        "\ud83d\ude00",
        "a'b</script>"
      })
  void commandNameSurvivesTheJson(String comm) throws IOException {
    Connection c = Samples.minimal();
    Samples.comm(c, comm.getBytes(UTF_8));

    assertThat(parsed(c).path("process").path("comm").asText()).isEqualTo(comm);
  }

  @Test
  void commandNameThatIsNotUtf8HasReplacementCharacters() throws IOException {
    Connection c = Samples.minimal();
    Samples.comm(c, new byte[] {'a', (byte) 0xff, (byte) 0xc3, 'b'});

    assertThat(parsed(c).path("process").path("comm").asText()).isEqualTo("a\ufffd\ufffdb");
  }

  @Test
  void characterCutAtTheLastByteIsReplaced() throws IOException {
    Connection c = Samples.minimal();
    Samples.comm(c, Arrays.copyOf("aaaaaaaaaaaaaaé!".getBytes(UTF_8), 15));

    assertThat(parsed(c).path("process").path("comm").asText()).isEqualTo("aaaaaaaaaaaaaa\ufffd");
  }

  @Test
  void randomCommandNamesAreAlwaysJson() throws IOException {
    Random random = new Random(4);
    for (int i = 0; i < 20_000; i++) {
      Connection c = Samples.minimal();
      byte[] comm = new byte[random.nextInt(Connection.COMM_LENGTH_BYTES + 1)];
      random.nextBytes(comm);
      Samples.comm(c, comm);

      assertThat(parsed(c).path("process").path("comm").asText())
          .isEqualTo(new String(comm, UTF_8));
    }
  }

  @ParameterizedTest
  @EnumSource
  void noLineIsLongerThanPromised(Termination termination) throws IOException {
    Connection c = new Connection();
    c.event = ConnectionEvent.FAILED;
    c.direction = Direction.OUTBOUND;
    c.termination = termination;
    c.socketCookie = -1;
    c.incarnation = 0xffff;
    c.startMonoNs = 0;
    c.establishedMonoNs = Long.MAX_VALUE - 1;
    c.endMonoNs = Long.MAX_VALUE;
    c.endEpochNs = Long.MAX_VALUE;
    c.localHigh = c.localLow = c.remoteHigh = c.remoteLow = -1;
    c.localPort = c.remotePort = 65_535;
    c.bytesSent = c.bytesReceived = c.bytesRetransmitted = -1;
    c.packetsSent = c.packetsReceived = -1;
    c.retransmits = c.synRetransmits = 0xffff_ffffL;
    c.rttUs = c.rttVarUs = c.minRttUs = 0xffff_ffffL;
    c.error = 0xffff;
    c.pid = c.netns = 0xffff_ffffL;
    c.cgroupId = -1;
    byte[] comm = new byte[Connection.COMM_LENGTH_BYTES];
    Arrays.fill(comm, (byte) 1);
    Samples.comm(c, comm);

    byte[] line = bytes(c);

    assertThat(line.length).isLessThanOrEqualTo(JsonFormat.MAX_LINE_BYTES);
    JsonNode parsed = JSON.readTree(line);
    assertThat(parsed.path("bytes_sent").bigIntegerValue())
        .isEqualTo(new java.math.BigInteger("18446744073709551615"));
  }

  @Test
  void lineBeginsAtTheGivenOffset() {
    byte[] out = new byte[JsonFormat.MAX_LINE_BYTES + 100];
    byte[] alone = bytes(Samples.full());

    int end = format.write(Samples.full(), out, 100);

    assertThat(Arrays.copyOfRange(out, 100, end)).isEqualTo(alone);
    assertThat(Arrays.copyOf(out, 100)).containsOnly(0);
  }
}
