// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One of the receivers in src/test/python that obeys commands: what it was sent, and what it is
 * told to do.
 */
final class CollectingServer implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final ChildProcess process;
  private final List<JsonNode> parsed = new ArrayList<>();
  private final int port;
  private volatile boolean killed;

  CollectingServer(String script, String... arguments) throws IOException, InterruptedException {
    this(0, script, arguments);
  }

  /** On the port that an earlier one had. */
  CollectingServer(int port, String script, String... arguments)
      throws IOException, InterruptedException {
    List<String> all =
        new ArrayList<>(List.of(ChildProcess.protoDirectory(), Integer.toString(port)));
    all.addAll(List.of(arguments));
    process = ChildProcess.python(script, all.toArray(String[]::new));
    this.port =
        ChildProcess.await(
                script + " to listen: " + process.err(),
                () -> lines().stream().filter(line -> line.has("port")).findFirst())
            .path("port")
            .asInt();
  }

  int port() {
    return port;
  }

  /** Every line so far. */
  synchronized List<JsonNode> lines() {
    List<String> out = process.out();
    for (String line : out.subList(parsed.size(), out.size())) {
      try {
        parsed.add(JSON.readTree(line));
      } catch (JsonProcessingException e) {
        if (killed) {
          break; // in the middle of its last line
        }
        throw new UncheckedIOException(e);
      }
    }
    return List.copyOf(parsed);
  }

  /** Lines that have a field. */
  List<JsonNode> lines(String field) {
    return lines().stream().filter(line -> line.has(field)).toList();
  }

  /** Does as told before this returns. */
  void command(String command) throws IOException, InterruptedException {
    int before = lines("did").size();
    process.tell(command);
    ChildProcess.await(
        "the server to obey " + command,
        () -> Optional.of(true).filter(x -> lines("did").size() > before));
  }

  /** SIGKILL: whoever is connected is cut off; what was printed until then is still to be read. */
  void kill() throws InterruptedException {
    killed = true;
    process.kill();
    process.exitCode();
  }

  @Override
  public void close() {
    process.close();
  }
}
