// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Finds the cgroup v2 hierarchy: at /sys/fs/cgroup on most machines, elsewhere on hybrid ones. */
public final class Cgroups {
  private static final Path MOUNTS = Path.of("/proc/self/mountinfo");

  private Cgroups() {}

  /** The mount point of the whole hierarchy; empty when cgroup v2 is not mounted. */
  public static Optional<Path> findRoot() throws IOException {
    return findRoot(Files.readAllLines(MOUNTS));
  }

  /**
   * Picks from the lines of mountinfo (proc(5)): {@code id parent dev root mountpoint options
   * [tags] - type source options}. Mounts of the hierarchy's root come before mounts of a part of
   * it, and shorter paths before longer ones.
   */
  static Optional<Path> findRoot(List<String> mountInfo) {
    return mountInfo.stream()
        .map(line -> line.split(" "))
        .filter(Cgroups::isCgroup2)
        .min(
            Comparator.<String[]>comparingInt(fields -> fields[3].equals("/") ? 0 : 1)
                .thenComparingInt(fields -> fields[4].length()))
        .map(fields -> Path.of(unescape(fields[4])));
  }

  private static boolean isCgroup2(String[] fields) {
    for (int i = 6; i < fields.length - 1; i++) {
      if (fields[i].equals("-")) {
        return fields[i + 1].equals("cgroup2");
      }
    }
    return false;
  }

  /** Space, tab, newline and backslash are octal escapes in mountinfo. */
  private static String unescape(String field) {
    return field
        .replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\");
  }

  /** Whether a directory lies in a cgroup v2 file system. */
  public static boolean isCgroup2Directory(Path directory) {
    try {
      return Files.isDirectory(directory) && Files.getFileStore(directory).type().equals("cgroup2");
    } catch (IOException e) {
      return false;
    }
  }
}
