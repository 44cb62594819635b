// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The built program as a user starts it. */
final class SidecarProcess implements AutoCloseable {
  static final String LAUNCHER = "target/dist/bin/meshlens";
  private static final Pattern LISTENING = Pattern.compile("metrics on (http://\\S+)/metrics");
  private static final ObjectMapper JSON = new ObjectMapper();

  private final ChildProcess process;
  private final String telemetry;
  private final List<JsonNode> parsed = new ArrayList<>();

  private SidecarProcess(ChildProcess process, String telemetry) {
    this.process = process;
    this.telemetry = telemetry;
  }

  /** {@code meshlens run} on a free port with further settings, once it watches. */
  static SidecarProcess run(String... settings) throws IOException, InterruptedException {
    return runAt(List.of(), settings);
  }

  /** The same with a configuration file. */
  static SidecarProcess runWith(Path file, String... settings)
      throws IOException, InterruptedException {
    return start(List.of(LAUNCHER, "run", "--config", file.toString()), settings);
  }

  /**
   * The same somewhere else.
   *
   * @param entrance the command that brings a program there
   */
  static SidecarProcess runAt(List<String> entrance, String... settings)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(entrance);
    command.addAll(List.of(LAUNCHER, "run"));
    return start(command, settings);
  }

  /**
   * The program with names for addresses, on a free port with further settings, once it watches.
   *
   * @param names as {@link NamedSidecar} takes them
   */
  static SidecarProcess runNamed(List<String> names, String... settings)
      throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                System.getProperty("java.home") + "/bin/java",
                "-Xmx64m",
                "--enable-native-access=ALL-UNNAMED",
                "-Dmeshlens.home=target/dist",
                "-cp",
                "target/test-classes:target/dist/lib/*",
                "io.meshlens.it.NamedSidecar"));
    command.addAll(names);
    return start(command, settings);
  }

  private static SidecarProcess start(List<String> run, String... settings)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(run);
    command.addAll(List.of("--set", "telemetry.address=127.0.0.1:0"));
    for (String setting : settings) {
      command.addAll(List.of("--set", setting));
    }
    ChildProcess process = new ChildProcess(new ProcessBuilder(command));
    try {
      String telemetry =
          ChildProcess.await(
              "the sidecar to listen: " + process.err(),
              () ->
                  process.err().stream()
                      .map(LISTENING::matcher)
                      .filter(Matcher::find)
                      .map(m -> m.group(1))
                      .findFirst());
      return new SidecarProcess(process, telemetry);
    } catch (AssertionError | InterruptedException e) {
      System.err.println(String.join("\n", process.err()));
      process.close();
      throw e;
    }
  }

  ChildProcess process() {
    return process;
  }

  /** Every record so far that fits. */
  synchronized List<JsonNode> records(Predicate<JsonNode> predicate) {
    List<String> lines = process.out();
    for (String line : lines.subList(parsed.size(), lines.size())) {
      try {
        parsed.add(JSON.readTree(line));
      } catch (JsonProcessingException e) {
        throw new AssertionError("not JSON on stdout: " + line, e);
      }
    }
    return parsed.stream().filter(predicate).toList();
  }

  List<JsonNode> recordsOfPort(int serverPort) {
    return records(record -> record.at("/destination/port").asInt() == serverPort);
  }

  /** Waits until that many records of a server port are there; more are a failure too. */
  List<JsonNode> awaitRecords(int serverPort, int count) throws InterruptedException {
    ChildProcess.await(
        count + " records of port " + serverPort + ", has " + recordsOfPort(serverPort).size(),
        () -> recordsOfPort(serverPort).size() >= count ? Optional.of(true) : Optional.empty());
    // The ring is read every few milliseconds: a surplus record would come now.
    Thread.sleep(120);
    List<JsonNode> records = recordsOfPort(serverPort);
    if (records.size() != count) {
      throw new AssertionError(
          "expected %d records of port %d, got %d: %s"
              .formatted(count, serverPort, records.size(), records));
    }
    return records;
  }

  /** The one record of a server port that the given side reported. */
  static JsonNode of(List<JsonNode> records, String direction) {
    List<JsonNode> found =
        records.stream().filter(r -> r.path("direction").asText().equals(direction)).toList();
    if (found.size() != 1) {
      throw new AssertionError("expected one " + direction + " record: " + records);
    }
    return found.getFirst();
  }

  /** HOST:PORT of /metrics. */
  String telemetryAddress() {
    return URI.create(telemetry).getAuthority();
  }

  HttpResponse<String> get(String path) throws InterruptedException {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client.send(
          HttpRequest.newBuilder(URI.create(telemetry + path)).build(),
          HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The sum of all samples of a Prometheus name whose labels include the given ones. */
  long metric(String name, Map<String, String> labels) throws InterruptedException {
    return sum(get("/metrics").body(), name, labels);
  }

  /** The same of a page that was read before. */
  static long sum(String page, String name, Map<String, String> labels) {
    long sum = 0;
    for (String line : page.lines().toList()) {
      boolean named = line.startsWith(name + "{") || line.startsWith(name + " ");
      boolean labelled =
          labels.entrySet().stream()
              .allMatch(l -> line.contains(l.getKey() + "=\"" + l.getValue() + "\""));
      if (named && labelled) {
        sum += (long) Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1));
      }
    }
    return sum;
  }

  @Override
  public void close() {
    process.close();
  }
}
