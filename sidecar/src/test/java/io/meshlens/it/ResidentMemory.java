// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Memory of a process as the kernel counts it.
 *
 * @param nowKib resident now
 * @param peakKib the most that ever was
 */
record ResidentMemory(long nowKib, long peakKib) {
  static ResidentMemory of(long pid) throws IOException {
    long now = 0;
    long peak = 0;
    for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
      String[] words = line.split("\\s+", -1);
      switch (words[0]) {
        case "VmRSS:" -> now = Long.parseLong(words[1]);
        case "VmHWM:" -> peak = Long.parseLong(words[1]);
        default -> {}
      }
    }
    return new ResidentMemory(now, peak);
  }
}
