// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A sidecar goes on where the one before it stopped, because programs and sums are pinned. */
@RequiresKernel
class RestartIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<String> SIDES = List.of("outbound", "inbound");
  private static final int PORT = 20_000;

  enum End {
    STOP,
    KILL
  }

  private MountedBpfFileSystem pins;
  private TestCgroup cgroup;
  private NetworkNamespace node;
  private TcpPeer peer;
  private final List<SidecarProcess> sidecars = new ArrayList<>();

  @BeforeEach
  void startPeer() throws Exception {
    pins = new MountedBpfFileSystem();
    cgroup = new TestCgroup();
    node = new NetworkNamespace();
    peer = new TcpPeer(cgroup.entrance(node));
    peer.run("from traffic import *; t = Traffic('127.0.0.1', %d)", PORT);
  }

  @AfterEach
  void end() throws Exception {
    sidecars.forEach(SidecarProcess::close);
    for (AutoCloseable part : new AutoCloseable[] {peer, node, cgroup, pins}) {
      if (part != null) {
        part.close();
      }
    }
  }

  private SidecarProcess start(String... settings) throws Exception {
    List<String> all = new ArrayList<>(List.of(settings));
    all.add("cgroup=" + cgroup.path());
    all.add("kernel.pin_path=" + pins.path("meshlens"));
    SidecarProcess sidecar = SidecarProcess.run(all.toArray(String[]::new));
    sidecars.add(sidecar);
    return sidecar;
  }

  private static void end(SidecarProcess sidecar, End end) throws InterruptedException {
    switch (end) {
      case STOP -> {
        sidecar.process().terminate();
        assertThat(sidecar.process().exitCode()).isZero();
      }
      case KILL -> {
        sidecar.process().kill();
        assertThat(sidecar.process().exitCode()).isEqualTo(128 + 9);
      }
    }
  }

  private Totals counted(String what, String side) throws Exception {
    return Totals.ofApplication(peer.run("t.%s()", what).path(side));
  }

  /** Of all runs. */
  private List<JsonNode> records() {
    return sidecars.stream().flatMap(sidecar -> sidecar.records(record -> true).stream()).toList();
  }

  private void awaitRecords(long count) throws InterruptedException {
    ChildProcess.await(
        count + " records", () -> Optional.of(true).filter(x -> records().size() >= count));
  }

  private long ended() throws Exception {
    return counted("over", "outbound").ended() + counted("over", "inbound").ended();
  }

  private void assertSums(SidecarProcess sidecar) throws Exception {
    MetricsPage page = MetricsPage.of(sidecar);
    for (String side : SIDES) {
      assertThat(Totals.ofSums(page, side))
          .as(side)
          .isEqualTo(counted("over", side).plus(counted("open_now", side)));
    }
  }

  private static Stream<String> ids(List<JsonNode> records) {
    return records.stream().map(record -> record.path("id").asText());
  }

  @ParameterizedTest
  @EnumSource
  void noByteAndNoConnectionIsMissedOrToldTwice(End end) throws Exception {
    SidecarProcess first = start();
    peer.run("t.churn(5, ENDINGS + (REFUSED,)); t.hold(4); t.pump(1)");
    awaitRecords(ended());
    end(first, end);
    Instant stopped = Instant.now();
    int before = records().size();
    peer.run("t.pump(1); t.churn(7, ENDINGS + (REFUSED,)); t.hold(3); t.pump(1)");
    long between = ended() - before;
    Instant started = Instant.now();
    SidecarProcess second = start();
    awaitRecords(ended());
    assertSums(second);
    peer.run("t.pump(1); t.churn(3); t.release()");
    awaitRecords(ended());
    assertSums(second);
    List<JsonNode> records = records();
    assertThat(ids(records)).doesNotHaveDuplicates();
    for (String side : SIDES) {
      assertThat(Totals.ofRecords(records, side)).isEqualTo(counted("over", side));
    }
    assertThat(records).allMatch(record -> record.has("start_time"));
    // The four of each side that were there before the end; their records come at their own end.
    assertThat(second.records(record -> start(record).isBefore(stopped))).hasSize(8);
    assertThat(second.records(r -> time(r).isAfter(stopped) && time(r).isBefore(started)))
        .hasSize((int) between);
    assertThat(second.process().err()).anyMatch(line -> line.contains("taking over the sums"));
  }

  private static Instant start(JsonNode record) {
    return Instant.parse(record.path("start_time").asText());
  }

  private static Instant time(JsonNode record) {
    return Instant.parse(record.path("time").asText());
  }

  @Test
  void aKillUnderLoadCostsNoSumAndTellsNothingTwice() throws Exception {
    SidecarProcess sidecar = start();
    peer.run(
        """
        t.hold(5)
        stop = threading.Event()
        def churn():
            while not stop.is_set(): t.churn(10)
        churning = threading.Thread(target=churn)
        churning.start()
        """);
    ChildProcess.await("some", () -> Optional.of(true).filter(x -> records().size() > 500));
    end(sidecar, End.KILL);
    sidecar = start();
    peer.run("stop.set(); churning.join(); t.pump(1)");
    assertSums(sidecar);
    String last = "t.hold(1); s = t.held[-1].sock.getsockname()[1]; t.release(); s";
    int port = peer.run("%s", last).asInt();
    ChildProcess.await(
        "the last record",
        () ->
            records().stream()
                .filter(record -> record.at("/source/port").asInt() == port)
                .findFirst());
    assertThat(ids(records())).doesNotHaveDuplicates();
    // What a killed process had read from the ring and not yet written is gone: at most what it
    // keeps for its writer, 4 MiB of lines.
    assertThat(ended() - records().size()).isBetween(0L, (4L << 20) / 500);
  }

  @Test
  void receiversAreToldThatWhatTheKernelCountsIsOlderThanTheProcess() throws Exception {
    try (ChildProcess receiver =
        ChildProcess.python("otlp_server.py", ChildProcess.protoDirectory(), "0")) {
      int port =
          ChildProcess.await("the receiver", () -> points(receiver, "port").findFirst())
              .path("port")
              .asInt();
      String endpoint = "metrics.otlp.endpoint=http://127.0.0.1:" + port;
      Instant begin = Instant.now();
      List<Long> starts = new ArrayList<>();
      List<Long> ownStarts = new ArrayList<>();
      for (int run = 1; run <= 2; run++) {
        // An interval beyond the test's patience: only the push at the end comes.
        SidecarProcess sidecar = start(endpoint, "metrics.otlp.interval=10m");
        peer.run("t.churn(1)");
        end(sidecar, End.STOP);
        List<JsonNode> opened = pointsOf(receiver, "mesh.tcp.connections.opened");
        JsonNode point = opened.getLast();
        assertThat(opened).hasSize(2 * run);
        assertThat(point.path("value").asLong()).isEqualTo(4L * run);
        starts.add(point.path("start_ns").asLong());
        for (JsonNode vanished : pointsOf(receiver, "meshlens.connections.vanished")) {
          assertThat(vanished.path("start_ns").asLong()).isEqualTo(starts.getFirst());
        }
        ownStarts.add(
            pointsOf(receiver, "meshlens.otlp.failures").getLast().path("start_ns").asLong());
      }
      assertThat(starts.getLast()).isEqualTo(starts.getFirst());
      assertThat(ownStarts.getLast()).isGreaterThan(starts.getFirst());
      assertThat(Instant.ofEpochSecond(0, starts.getFirst())).isBetween(begin, Instant.now());
    }
  }

  private static List<JsonNode> pointsOf(ChildProcess receiver, String metric) {
    return points(receiver, "metric")
        .filter(point -> point.path("metric").asText().equals(metric))
        .toList();
  }

  private static Stream<JsonNode> points(ChildProcess receiver, String key) {
    return receiver.out().stream().map(RestartIT::parse).filter(point -> point.has(key));
  }

  private static JsonNode parse(String line) {
    try {
      return JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw new AssertionError(line, e);
    }
  }

  /** Its files stay, but it sees nothing any more. */
  @Test
  void aLinkThatSomebodyDetachedByForceIsMadeAnew() throws Exception {
    end(start(), End.STOP);
    try (Stream<Path> links = Files.find(pins.path("meshlens"), 3, RestartIT::isLink)) {
      for (Path link : links.toList()) {
        Bpftool.run("link", "detach", "pinned", link.toString());
      }
    }
    peer.run("t.churn(1)");
    assertThat(ended()).isEqualTo(8);
    SidecarProcess second = start();
    peer.run("t.churn(2)");
    awaitRecords(16);
    assertThat(records()).hasSize(16);
    assertThat(second.process().err()).anyMatch(line -> line.contains("taking over the sums"));
  }

  private static boolean isLink(Path path, BasicFileAttributes attributes) {
    return path.toString().contains("/links/");
  }
}
