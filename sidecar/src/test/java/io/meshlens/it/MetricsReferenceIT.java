// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.common.net.InetAddresses;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What a running program exports, against docs/reference/metrics.md: not more and not less. */
@RequiresKernel
class MetricsReferenceIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path PAGE = Path.of("../docs/reference/metrics.md");
  private static final Pattern ROW =
      Pattern.compile("\\| `([a-z_.]+)` \\| (?:([a-z -]+) \\| )?`([^`]+)` \\|.*");
  private static final Pattern TYPE = Pattern.compile("# TYPE ([a-z_:]+) ([a-z]+)");

  /** Kind and unit by name; the table of counters does not say its kind. */
  private static Map<String, String> documented() throws IOException {
    Map<String, String> kinds = new TreeMap<>();
    for (String line : Files.readAllLines(PAGE)) {
      Matcher row = ROW.matcher(line);
      if (row.matches()) {
        kinds.put(
            row.group(1), Optional.ofNullable(row.group(2)).orElse("counter") + " " + row.group(3));
      }
    }
    return kinds;
  }

  private static String prometheusName(String name, String kindAndUnit) {
    boolean counter = kindAndUnit.startsWith("counter");
    String unit =
        switch (kindAndUnit.substring(kindAndUnit.lastIndexOf(' ') + 1)) {
          case "s" -> "_seconds";
          case "By" -> "_bytes";
          default -> "";
        };
    String text = name.replace('.', '_');
    if (!counter && text.endsWith("_count")) {
      String noun = text.substring(0, text.length() - "_count".length());
      text = noun + (noun.endsWith("s") ? "es" : "s");
    }
    return text + (text.endsWith(unit) ? "" : unit) + (counter ? "_total" : "");
  }

  private static JsonNode parse(String line) {
    try {
      return JSON.readTree(line);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Names with kind and unit, as OTLP tells them. */
  private static Map<String, String> received(ChildProcess receiver) {
    Map<String, String> kinds = new TreeMap<>();
    for (String line : receiver.out()) {
      JsonNode point = parse(line);
      if (point.has("metric")) {
        String kind =
            switch (point.path("kind").asText()) {
              case "sum" -> point.path("monotonic").asBoolean() ? "counter" : "up-down counter";
              case "exponential_histogram" -> "histogram";
              default -> point.path("kind").asText();
            };
        kinds.put(point.path("metric").asText(), kind + " " + point.path("unit").asText());
      }
    }
    return kinds;
  }

  private static Set<String> scraped(SidecarProcess sidecar) {
    try {
      Set<String> names = new TreeSet<>();
      sidecar
          .get("/metrics")
          .body()
          .lines()
          .map(TYPE::matcher)
          .filter(Matcher::matches)
          .forEach(matcher -> names.add(matcher.group(1)));
      return names;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Set.of();
    }
  }

  private static void connectOnceAndInVainOnce() throws IOException {
    try (ServerSocket server = new ServerSocket(0, 1, InetAddresses.forString("127.0.0.1"));
        Socket client = new Socket(server.getInetAddress(), server.getLocalPort());
        Socket accepted = server.accept()) {
      client.getOutputStream().write(1);
      assertThat(accepted.getInputStream().read()).isEqualTo(1);
    }
    try (DatagramSocket receiver = new DatagramSocket(0, InetAddresses.forString("127.0.0.1"));
        DatagramSocket sender = new DatagramSocket()) {
      sender.send(new DatagramPacket(new byte[3], 3, receiver.getLocalSocketAddress()));
      DatagramPacket packet = new DatagramPacket(new byte[9], 9);
      receiver.receive(packet);
      assertThat(packet.getLength()).isEqualTo(3);
    }
    try (Socket refused = new Socket(InetAddresses.forString("127.0.0.1"), 1)) {
      throw new AssertionError("somebody listens: " + refused);
    } catch (java.net.ConnectException expected) {
      assertThat(expected).hasMessageContaining("refused");
    }
  }

  @Test
  void everythingThatIsExportedIsDocumentedAndTheOtherWayRound() throws Exception {
    Map<String, String> documented = documented();
    Set<String> documentedForPrometheus = new TreeSet<>();
    documented.forEach(
        (name, kindAndUnit) -> documentedForPrometheus.add(prometheusName(name, kindAndUnit)));
    try (ChildProcess counting = ChildProcess.python("bpf_stats.py");
        ChildProcess receiver =
            ChildProcess.python("otlp_server.py", ChildProcess.protoDirectory(), "0")) {
      ChildProcess.await(
          "statistics of programs: " + counting.err(),
          () -> Optional.of(0).filter(x -> counting.out().contains("counting")));
      int port =
          ChildProcess.await(
              "the receiver: " + receiver.err(),
              () ->
                  receiver.out().stream()
                      .map(MetricsReferenceIT::parse)
                      .filter(p -> p.has("port"))
                      .map(p -> p.path("port").asInt())
                      .findFirst());
      try (SidecarProcess sidecar =
          SidecarProcess.run(
              "metrics.otlp.endpoint=http://127.0.0.1:" + port,
              "metrics.otlp.interval=1s",
              "access_log.als.address=127.0.0.1:1",
              "access_log.otlp.endpoint=http://127.0.0.1:1",
              "identity.istio.address=127.0.0.1:1",
              "kernel.udp=true",
              "identity.kubernetes.enabled=on",
              "identity.kubernetes.api_server=http://127.0.0.1:1",
              "kernel.pin_path=off",
              "shutdown.timeout=2s")) {
        connectOnceAndInVainOnce();
        try (ChildProcess collecting =
            ChildProcess.of("jcmd", Long.toString(sidecar.process().pid()), "GC.run")) {
          assertThat(collecting.exitCode()).as("%s", collecting.err()).isZero();
        }
        scraped(sidecar);
        ChildProcess.await(
            "every documented name by OTLP and by Prometheus",
            () ->
                Optional.of(0)
                    .filter(x -> received(receiver).keySet().containsAll(documented.keySet()))
                    .filter(x -> scraped(sidecar).containsAll(documentedForPrometheus)));

        assertThat(received(receiver)).isEqualTo(documented);
        assertThat(scraped(sidecar)).isEqualTo(documentedForPrometheus);
        assertThat(
                sidecar.metric(
                    "meshlens_bpf_program_runs_total", Map.of("program", "tcp_lifecycle")))
            .isGreaterThanOrEqualTo(2);
      }
    }
  }
}
