// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** A second opinion on what the kernel holds. */
final class Bpftool {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Bpftool() {}

  /** What it says about objects; missing when there are none. */
  static JsonNode show(String... arguments) throws IOException, InterruptedException {
    try (ChildProcess process = start(arguments)) {
      process.exitCode();
      JsonNode answer = JSON.readTree(String.join("\n", process.out()));
      return answer.has("error") ? JSON.missingNode() : answer;
    }
  }

  /** Does something that must succeed. */
  static void run(String... arguments) throws IOException, InterruptedException {
    try (ChildProcess process = start(arguments)) {
      if (process.exitCode() != 0) {
        throw new AssertionError(String.join(" ", arguments) + ": " + process.out());
      }
    }
  }

  private static ChildProcess start(String... arguments) throws IOException {
    String program =
        Stream.of("/usr/sbin/bpftool", "/usr/bin/bpftool", "/sbin/bpftool")
            .filter(p -> Files.isExecutable(Path.of(p)))
            .findFirst()
            .orElseThrow();
    List<String> command = new ArrayList<>(List.of(program, "--json"));
    command.addAll(List.of(arguments));
    return ChildProcess.of(command.toArray(String[]::new));
  }
}
