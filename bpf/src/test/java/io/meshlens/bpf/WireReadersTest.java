// SPDX-License-Identifier: Apache-2.0
package io.meshlens.bpf;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.libbpf.Btf;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class WireReadersTest {
  private static final Path OBJECT = Path.of("build/meshlens.bpf.o");
  private static final Path READERS = Path.of("../sidecar/src/main/java/io/meshlens/wire");
  private static final Path LAYOUT = Path.of("wire-layout.json");

  @Test
  void committedReadersAndLayoutEqualWhatTheObjectGenerates() throws IOException {
    SortedMap<Path, String> generated = new TreeMap<>();
    WireGenerator generator = new WireGenerator(Btf.ofElf(OBJECT));
    generated.put(LAYOUT, generator.json());
    generator.javaFiles().forEach((name, text) -> generated.put(READERS.resolve(name), text));

    if (Boolean.getBoolean("golden.update")) {
      for (Map.Entry<Path, String> file : generated.entrySet()) {
        Files.writeString(file.getKey(), file.getValue());
      }
    }
    generated.forEach(
        (path, text) ->
            assertThat(path).as("run `make wire` and commit the result").exists().hasContent(text));
  }
}
