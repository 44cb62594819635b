// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Identity;
import io.meshlens.flow.Termination;
import io.meshlens.flow.Transport;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CodingErrorAction;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

final class LineStyleTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden/lines.txt");

  /** Istio's default for a mesh, which its users will bring along. */
  private static final String ISTIO =
      "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\""
          + " %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%"
          + " %CONNECTION_TERMINATION_DETAILS% \"%UPSTREAM_TRANSPORT_FAILURE_REASON%\""
          + " %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%"
          + " \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\""
          + " \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\" %UPSTREAM_CLUSTER%"
          + " %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS%"
          + " %REQUESTED_SERVER_NAME% %ROUTE_NAME%";

  /** Each operator that Envoy's TCP proxy knows and we do, and our fields. */
  private static final String EVERYTHING =
      "%START_TIME(%s.%6f)% %EMIT_TIME(%d/%b/%Y %T %z)% %STREAM_ID% %ACCESS_LOG_TYPE% %HOSTNAME%"
          + " %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_REMOTE_PORT%"
          + " %DOWNSTREAM_DIRECT_REMOTE_ADDRESS% %UPSTREAM_REMOTE_ADDRESS% %UPSTREAM_REMOTE_PORT%"
          + " %RESPONSE_FLAGS_LONG% %DOWNSTREAM_WIRE_BYTES_RECEIVED% %DOWNSTREAM_WIRE_BYTES_SENT%"
          + " %FIELD(connection.rtt_us)% \"%FIELD(process.comm)%\" %FIELD(process.comm):3%"
          + " %DYNAMIC_METADATA(meshlens:min_rtt_us)% %DYNAMIC_METADATA(meshlens:pid)%"
          + " %FIELD(source.workload):4% %DOWNSTREAM_REMOTE_ADDRESS:5% 100%%";

  private final ConnectionIds ids = new ConnectionIds("1f0c2a9b-0000");

  private LineFormat format(LineStyle style, String text) {
    return style.format(text, ids, "node-1");
  }

  private static String line(LineFormat format, Connection c) {
    byte[] out = new byte[format.maxLineBytes() + 3];
    byte[] line = Arrays.copyOfRange(out, 3, format.write(c, out, 3));
    line = Arrays.copyOfRange(out, 3, 3 + line.length);
    return new String(line, UTF_8);
  }

  private String text(String format, Connection c) {
    return line(format(LineStyle.TEXT, format), c).stripTrailing();
  }

  private static Map<String, Connection> samples() {
    Map<String, Connection> samples = new LinkedHashMap<>();
    samples.put("full", Samples.full());
    samples.put("minimal", Samples.minimal());
    samples.put("failed", Samples.failed());
    samples.put("identified", identified());
    samples.put("hostile", hostile());
    Connection inbound = Samples.full();
    inbound.direction = Direction.INBOUND;
    inbound.termination = Termination.RESET_REMOTE;
    samples.put("inbound reset", inbound);
    Connection adopted = Samples.minimal();
    adopted.adopted = true;
    adopted.event = ConnectionEvent.PERIODIC;
    adopted.termination = Termination.NONE;
    samples.put("adopted, periodic", adopted);
    Connection opened = Samples.minimal();
    opened.event = ConnectionEvent.OPENED;
    opened.termination = Termination.NONE;
    samples.put("opened", opened);
    Connection unbound = Samples.failed();
    unbound.localHigh = 0;
    unbound.localLow = 0;
    unbound.localPort = 0;
    samples.put("unbound", unbound);
    Connection udp = Samples.minimal();
    udp.transport = Transport.UDP;
    udp.termination = Termination.IDLE;
    udp.bytesSent = 31;
    samples.put("UDP", udp);
    return samples;
  }

  static Connection identified() {
    Connection c = Samples.full();
    c.source =
        Identity.builder()
            .namespace("default")
            .workload("sleep", "Deployment")
            .pod("sleep-5f7d-x2x")
            .source("test")
            .build();
    c.destination =
        Identity.builder()
            .namespace("prod")
            .workload("httpbin", "Deployment")
            .pod("httpbin-0")
            .service("httpbin", "mesh", "httpbin.mesh.svc.cluster.local")
            .source("test")
            .build();
    return c;
  }

  /** Names that want to be more than a name. */
  private static Connection hostile() {
    Connection c = identified();
    c.source =
        c.source.toBuilder()
            .namespace("a\", direction=INBOUND\naccesslog: forged")
            .pod("p\\\u2028\u0085\u007f\ud800\u00e4\ud83d\ude00, dst.addr=1.2.3.4:5")
            .build();
    Samples.comm(c, new byte[] {'a', '\n', '"', '\\', (byte) 0xff, (byte) 0xc3, 27, ' ', 'z'});
    return c;
  }

  @Test
  void everyStyleOfTextOfEverySampleEqualsItsGoldenFile() throws IOException {
    StringBuilder lines = new StringBuilder();
    samples()
        .forEach(
            (name, c) -> {
              lines.append("# ").append(name).append('\n');
              for (LineStyle style : LineStyle.values()) {
                if (style == LineStyle.TEXT) {
                  lines.append(line(format(style, ISTIO), c));
                  lines.append(line(format(style, EVERYTHING), c));
                } else if (style != LineStyle.JSON) { // JsonFormatTest has that
                  lines.append(line(format(style, ""), c));
                }
              }
            });
    if (Boolean.getBoolean("golden.update")) {
      Files.writeString(GOLDEN, lines);
    }
    assertThat(GOLDEN).content().isEqualTo(lines.toString());
  }

  @ParameterizedTest
  @EnumSource(LineStyle.class)
  void noNameWhateverItIsMakesASecondLineOrInvalidText(LineStyle style) throws Exception {
    Random random = new Random(7);
    LineFormat format = format(style, "\"%FIELD(source.pod)%\" %FIELD(process.comm)%");
    for (int i = 0; i < 2_000; i++) {
      Connection c = identified();
      c.source = c.source.toBuilder().pod(garbage(random)).namespace(garbage(random)).build();
      c.destination =
          c.destination.toBuilder().service(garbage(random), garbage(random), "").build();
      byte[] comm = new byte[random.nextInt(16)];
      random.nextBytes(comm);
      Samples.comm(c, comm);
      byte[] out = new byte[format.maxLineBytes()];
      int end = format.write(c, out, 0);
      String line =
          UTF_8
              .newDecoder()
              .onMalformedInput(CodingErrorAction.REPORT)
              .decode(ByteBuffer.wrap(out, 0, end))
              .toString();
      assertThat(line.lines()).hasSize(1);
      assertThat(line.chars().filter(ch -> ch < ' ' && ch != '\t')).containsExactly((int) '\n');
      assertThat(line).endsWith("\n");
    }
  }

  private static String garbage(Random random) {
    StringBuilder text = new StringBuilder();
    for (int n = random.nextInt(300); n > 0; n--) {
      text.append((char) (random.nextInt(4) == 0 ? random.nextInt(0x10000) : random.nextInt(0x90)));
    }
    return text.toString();
  }

  @Test
  void bareNamesCannotPassForFurtherFields() {
    String line = line(format(LineStyle.KMESH, ""), hostile());

    assertThat(line.split(", ", -1)).hasSize(17);
    assertThat(line).containsOnlyOnce("dst.addr=[2001:db8::5]:443");
    assertThat(line).contains("src.namespace=a\\\"\\x2c\\x20direction=INBOUND\\x0aaccesslog:");
  }

  @Test
  void receivedBytesGoFromClientToServerWhicheverSideReports() {
    Connection c = Samples.full();
    assertThat(text("%BYTES_RECEIVED% %BYTES_SENT%", c)).isEqualTo("119 4294967311");
    c.direction = Direction.INBOUND;
    assertThat(text("%BYTES_RECEIVED% %BYTES_SENT%", c)).isEqualTo("4294967311 119");
  }

  @Test
  void lengthCutsTheValueAndNeverAnEscape() {
    Connection c = identified();
    c.source = c.source.toBuilder().pod("a\n\ud83d\ude00b").build();
    assertThat(text("%FIELD(source.pod):2%|", c)).isEqualTo("a\\x0a|");
    assertThat(text("%FIELD(source.pod):3%|", c)).isEqualTo("a\\x0a|");
    assertThat(text("%FIELD(source.pod):4%|", c)).isEqualTo("a\\x0a\ud83d\ude00|");
    assertThat(text("%DURATION:2%|", c)).isEqualTo("20|");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      value = {
        "%STRAT_TIME%; character 1: no operator %STRAT_TIME%; nearest: %START_TIME%",
        "ab %DURATIONS% c; character 4: no operator %DURATIONS%; nearest: %DURATION%",
        "%; character 1: a percent sign that begins no operator; %% is a percent sign",
        "%DURATION; character 1: a percent sign that begins no operator; %% is a percent sign",
        "%FIELD(source.prt)%; character 1: no field \"source.prt\"; nearest: source.port",
        "%FIELD%; character 1: no field \"\"; nearest: process.pid",
        "%DYNAMIC_METADATA(x:y)%; character 1: DYNAMIC_METADATA needs meshlens:NAME, not \"x:y\"",
        "%START_TIME(%Q)%; character 1: no time conversion at character 1 of \"%Q\"",
        "%HOSTNAME:0%; character 1: a length of 0 leaves nothing of %HOSTNAME%",
      })
  void problemsOfAFormatHaveTheirPositionAndANearestName(String format, String rest) {
    // The semicolons of a message were read as further columns.
    assertThat(LineStyle.problems(format)).hasSize(1);
    assertThat(LineStyle.problems(format).getFirst()).startsWith(rest);
  }

  @Test
  void allProblemsAreSaidAtOnce() {
    assertThat(LineStyle.problems("%A% %B%\n%C%")).hasSize(4);
  }

  @Test
  void aLineThatCouldBeLongerThanAChunkIsRefused() {
    assertThat(LineStyle.problems("%HOSTNAME%".repeat(40)))
        .singleElement()
        .asString()
        .contains("at most 32768");
    assertThat(LineStyle.problems("%HOSTNAME:63%".repeat(40))).isEmpty();
  }

  @Test
  void noLineIsLongerThanItsFormatSays() {
    Connection c = hostile();
    c.bytesSent = -1;
    c.bytesReceived = -1;
    c.source =
        c.source.toBuilder().pod("\u2028".repeat(300)).namespace("\u2028".repeat(300)).build();
    c.destination =
        c.destination.toBuilder()
            .pod("\u2028".repeat(300))
            .service("", "\u2028".repeat(300), "\u2028".repeat(300))
            .build();
    for (LineStyle style : LineStyle.values()) {
      if (style != LineStyle.JSON) {
        LineFormat format = format(style, EVERYTHING);
        assertThat(format.write(c, new byte[format.maxLineBytes()], 0))
            .isLessThanOrEqualTo(format.maxLineBytes());
      }
    }
  }
}
