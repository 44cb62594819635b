// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;

/** The network namespaces of all processes that can be seen in /proc. */
final class NetworkNamespaces {
  private static final Path PROC = Path.of("/proc");

  private NetworkNamespaces() {}

  /** A file for each namespace but our own; a process that ends meanwhile takes its file along. */
  static Map<Long, Path> others() {
    return others(PROC);
  }

  /** Our own, by inode number; 0 when /proc is not there. */
  static long own() {
    return inode(PROC.resolve("self/ns/net")).orElse(0);
  }

  static Map<Long, Path> others(Path proc) {
    Map<Long, Path> byInode = new HashMap<>();
    try (DirectoryStream<Path> processes = Files.newDirectoryStream(proc, "[0-9]*")) {
      for (Path process : processes) {
        Path file = process.resolve("ns/net");
        inode(file).ifPresent(inode -> byInode.putIfAbsent(inode, file));
      }
    } catch (IOException e) {
      // No /proc, no namespaces.
    }
    inode(proc.resolve("self/ns/net")).ifPresent(byInode::remove);
    return byInode;
  }

  /** The number in {@code net:[4026531833]}. */
  static OptionalLong inode(Path file) {
    try {
      String digits = Files.readSymbolicLink(file).toString().replaceAll("\\D", "");
      return digits.isEmpty() ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(digits));
    } catch (IOException | NumberFormatException e) {
      return OptionalLong.empty();
    }
  }
}
