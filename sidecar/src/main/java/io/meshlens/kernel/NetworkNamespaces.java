// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/** The network namespaces of this machine that can be seen: of processes, and with a name. */
final class NetworkNamespaces {
  private static final Path PROC = Path.of("/proc");

  /** Where ip(8) and container runtimes keep namespaces that outlive their processes. */
  private static final List<Path> NAMED =
      List.of(Path.of("/run/netns"), Path.of("/run/docker/netns"));

  private static final long INITIAL_PID_NAMESPACE = 0xEFFF_FFFCL;

  private NetworkNamespaces() {}

  /** A file for each namespace but our own, by inode number; it may be gone when it is opened. */
  static Map<Long, Path> others() {
    return others(PROC, NAMED);
  }

  static Map<Long, Path> others(Path proc, List<Path> named) {
    Map<Long, Path> byInode = new HashMap<>();
    for (Path directory : named) {
      for (Path file : list(directory, "*")) {
        inode(file).ifPresent(inode -> byInode.putIfAbsent(inode, file));
      }
    }
    for (Path process : list(proc, "[0-9]*")) {
      Path file = process.resolve("ns/net");
      inode(file).ifPresent(inode -> byInode.putIfAbsent(inode, file));
    }
    inode(proc.resolve("self/ns/net")).ifPresent(byInode::remove);
    return byInode;
  }

  /**
   * Whether {@link #others} can find those of all processes: /proc shows the pid namespace of the
   * host, whose inode number is fixed (PROC_PID_INIT_INO, include/linux/proc_ns.h).
   */
  static boolean allVisible() {
    return inode(PROC.resolve("self/ns/pid")).orElse(0) == INITIAL_PID_NAMESPACE;
  }

  /** Our own, by inode number; 0 when /proc is not there. */
  static long own() {
    return inode(PROC.resolve("self/ns/net")).orElse(0);
  }

  private static List<Path> list(Path directory, String glob) {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> children = Files.newDirectoryStream(directory, glob)) {
      children.forEach(files::add);
    } catch (IOException e) {
      // Not there: nothing in it.
    }
    return files;
  }

  /** Empty when the file is gone, or not to be looked at. */
  static OptionalLong inode(Path file) {
    try {
      return OptionalLong.of(((Number) Files.getAttribute(file, "unix:ino")).longValue());
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }
}
