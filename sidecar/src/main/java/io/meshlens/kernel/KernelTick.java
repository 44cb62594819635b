// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPInputStream;

/** How long a jiffy is; the kernel tells it only in its build configuration. */
final class KernelTick {
  private static final String KEY = "CONFIG_HZ=";

  private KernelTick() {}

  /** CONFIG_HZ; 0 when the running kernel's configuration cannot be read. */
  static int jiffiesPerSecond() {
    return jiffiesPerSecond(
        List.of(
            Path.of("/proc/config.gz"),
            Path.of("/boot/config-" + System.getProperty("os.version", ""))));
  }

  static int jiffiesPerSecond(List<Path> candidates) {
    for (Path file : candidates) {
      try (InputStream in = Files.newInputStream(file);
          BufferedReader lines =
              new BufferedReader(
                  new InputStreamReader(
                      file.toString().endsWith(".gz") ? new GZIPInputStream(in) : in,
                      StandardCharsets.UTF_8))) {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          if (line.startsWith(KEY)) {
            return Integer.parseInt(line.substring(KEY.length()).strip());
          }
        }
      } catch (IOException | NumberFormatException e) {
        // The next one may do.
      }
    }
    return 0;
  }
}
