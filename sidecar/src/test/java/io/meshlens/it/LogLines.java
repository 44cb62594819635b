// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/** What a sidecar has written to log files. */
final class LogLines {
  private static final ObjectMapper JSON = new ObjectMapper();

  private LogLines() {}

  /** All files of a directory, by name. */
  static List<Path> files(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.sorted().toList();
    }
  }

  /** The text of a file, unpacked if need be. */
  static String text(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      boolean packed = file.toString().endsWith(".gz");
      return new String((packed ? new GZIPInputStream(in) : in).readAllBytes(), UTF_8);
    }
  }

  /** Every record of some files; a line that is torn is a failure. */
  static List<JsonNode> records(List<Path> files) throws IOException {
    List<JsonNode> records = new ArrayList<>();
    for (Path file : files) {
      String text = text(file);
      if (!text.isEmpty() && !text.endsWith("\n")) {
        throw new AssertionError(file + " ends in the middle of a line");
      }
      for (String line : text.lines().toList()) {
        try {
          records.add(JSON.readTree(line));
        } catch (JsonProcessingException e) {
          throw new AssertionError("torn line in " + file + ": " + line, e);
        }
      }
    }
    return records;
  }
}
