// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.errorprone.annotations.FormatMethod;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A process with one end of the connections, which runs the Python that a test sends it:
 * src/test/python/tcp_peer.py.
 */
final class TcpPeer implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Process process;
  private final BufferedWriter snippets;
  private final BufferedReader answers;

  /**
   * @param entrance the command that brings a program to where the peer is to live
   */
  TcpPeer(List<String> entrance) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(new ArrayList<>(entrance));
    builder.command().addAll(List.of("/usr/bin/python3", "src/test/python/tcp_peer.py"));
    process = builder.redirectError(ProcessBuilder.Redirect.INHERIT).start();
    snippets = process.outputWriter(UTF_8);
    answers = process.inputReader(UTF_8);
  }

  long pid() {
    return process.pid();
  }

  /** Runs a snippet to its end; the value of its last expression. */
  @FormatMethod
  JsonNode run(String snippet, Object... arguments) throws IOException {
    begin(snippet, arguments);
    return value();
  }

  /** Runs a snippet whose last system call must fail; its errno. */
  @FormatMethod
  String fail(String snippet, Object... arguments) throws IOException {
    begin(snippet, arguments);
    return failure();
  }

  /** Has a snippet run while the test goes on; {@link #value} or {@link #failure} fetches it. */
  @FormatMethod
  void begin(String snippet, Object... arguments) throws IOException {
    snippets.write(JSON.writeValueAsString(snippet.formatted(arguments)));
    snippets.newLine();
    snippets.flush();
  }

  JsonNode value() throws IOException {
    JsonNode answer = answer();
    if (!answer.has("value")) {
      throw new AssertionError("the peer failed: " + answer);
    }
    return answer.path("value");
  }

  String failure() throws IOException {
    JsonNode answer = answer();
    if (!answer.has("errno")) {
      throw new AssertionError("the peer did not fail: " + answer);
    }
    return answer.path("errno").asText();
  }

  private JsonNode answer() throws IOException {
    String line = answers.readLine();
    if (line == null) {
      throw new AssertionError("the peer has ended: " + process.info());
    }
    JsonNode answer = JSON.readTree(line);
    if (answer.has("broken")) {
      throw new AssertionError(answer.path("broken").asText());
    }
    return answer;
  }

  /** SIGKILL, and waits until the process is gone. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  @Override
  public void close() throws IOException {
    if (!process.isAlive()) {
      return;
    }
    try {
      snippets.close();
      if (!process.waitFor(5, TimeUnit.SECONDS)) {
        kill();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
