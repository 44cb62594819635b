// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * A program started by a test: its output lines as they come, and its end at the latest on close.
 */
final class ChildProcess implements AutoCloseable {
  static final Duration PATIENCE = Duration.ofSeconds(30);

  private final Process process;
  private final List<String> out = new CopyOnWriteArrayList<>();
  private final List<String> err = new CopyOnWriteArrayList<>();
  private final List<Thread> readers = new ArrayList<>();

  ChildProcess(ProcessBuilder builder) throws IOException {
    process = builder.start();
    readers.add(Thread.ofVirtual().start(() -> collect(process.inputReader(UTF_8), out)));
    readers.add(
        Thread.ofVirtual()
            .start(
                () ->
                    collect(
                        new BufferedReader(new InputStreamReader(process.getErrorStream(), UTF_8)),
                        err)));
  }

  static ChildProcess of(String... command) throws IOException {
    return new ChildProcess(new ProcessBuilder(command));
  }

  /** One of the test peers in src/test/python, once it says which port it listens on. */
  static ChildProcess python(String script, String... arguments) throws IOException {
    List<String> command =
        new ArrayList<>(List.of("/usr/bin/python3", "src/test/python/" + script));
    command.addAll(List.of(arguments));
    return new ChildProcess(new ProcessBuilder(command));
  }

  /** The .proto files of Envoy and OpenTelemetry, unpacked by the build. */
  static String protoDirectory() {
    return Path.of("target/peer-protos").toAbsolutePath().toString();
  }

  private static void collect(BufferedReader reader, List<String> lines) {
    try (reader) {
      List<String> batch = new ArrayList<>();
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        batch.add(line);
        // Copying the list for every line of a flood would be slow.
        if (batch.size() == 1000 || !reader.ready()) {
          lines.addAll(batch);
          batch.clear();
        }
      }
      lines.addAll(batch);
    } catch (IOException closedByUs) {
      // close() ended the program and its streams; nobody reads the lines any more.
    }
  }

  /** The protocols that are declared here. */
  static String ownProtoDirectory() {
    return Path.of("../proto/src/main/proto").toAbsolutePath().toString();
  }

  /** A line for the program's standard input. */
  void tell(String line) throws IOException {
    process.getOutputStream().write((line + "\n").getBytes(UTF_8));
    process.getOutputStream().flush();
  }

  long pid() {
    return process.pid();
  }

  List<String> out() {
    return List.copyOf(out);
  }

  List<String> err() {
    return List.copyOf(err);
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /**
   * SIGTERM. Not Process.destroy, which closes our end of the output before the program's last
   * words.
   */
  void terminate() {
    process.toHandle().destroy();
  }

  /** SIGKILL. What the program had written until then is still read. */
  void kill() {
    process.toHandle().destroyForcibly();
  }

  /** Waits for the end by itself, with all output read. */
  int exitCode() throws InterruptedException {
    if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      throw new AssertionError("still running: " + process.info() + "\n" + String.join("\n", err));
    }
    for (Thread reader : readers) {
      reader.join(PATIENCE);
    }
    return process.exitValue();
  }

  /** Asks again and again until there is an answer, for as long as patience lasts. */
  static <T> T await(String what, Supplier<Optional<T>> question) throws InterruptedException {
    return await(what, PATIENCE, question);
  }

  /** The same, with more patience or less. */
  static <T> T await(String what, Duration patience, Supplier<Optional<T>> question)
      throws InterruptedException {
    long end = System.nanoTime() + patience.toNanos();
    while (System.nanoTime() < end) {
      Optional<T> answer = question.get();
      if (answer.isPresent()) {
        return answer.get();
      }
      Thread.sleep(20);
    }
    throw new AssertionError("gave up waiting for " + what);
  }

  @Override
  public void close() {
    if (!process.isAlive()) {
      return;
    }
    process.destroy();
    try {
      if (!process.waitFor(15, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        process.waitFor();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
