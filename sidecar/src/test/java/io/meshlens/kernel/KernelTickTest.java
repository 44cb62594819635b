// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelTickTest {
  private static final String CONFIG =
      """
      # CONFIG_HZ_100 is not set
      CONFIG_HZ_250=y
      CONFIG_HZ=250
      """;

  @TempDir Path directory;

  private Path plain(String text) throws IOException {
    return Files.writeString(directory.resolve("config-6.1"), text);
  }

  @Test
  void compressedConfigurationIsRead() throws IOException {
    Path file = directory.resolve("config.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write(CONFIG.getBytes(UTF_8));
    }
    assertThat(KernelTick.jiffiesPerSecond(List.of(file))).isEqualTo(250);
  }

  @Test
  void nextFileServesWhenOneIsMissingOrBroken() throws IOException {
    Path broken = Files.writeString(directory.resolve("broken.gz"), "no gzip");
    assertThat(
            KernelTick.jiffiesPerSecond(
                List.of(directory.resolve("missing"), broken, plain(CONFIG))))
        .isEqualTo(250);
  }

  @Test
  void configurationThatDoesNotTellIsUnknown() throws IOException {
    assertThat(KernelTick.jiffiesPerSecond(List.of(plain("CONFIG_HZ=fast\n")))).isZero();
    assertThat(KernelTick.jiffiesPerSecond(List.of(plain("CONFIG_X86=y\n")))).isZero();
  }
}
