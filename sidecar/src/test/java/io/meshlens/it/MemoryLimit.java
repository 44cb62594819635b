// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A cgroup of the memory controller with a limit, of whichever version has it here. */
final class MemoryLimit implements AutoCloseable {
  private static final Path VERSION_1 = Path.of("/sys/fs/cgroup/memory");

  private final Path path;

  MemoryLimit(long bytes) throws IOException {
    String name = "meshlens-it-" + System.nanoTime();
    if (Files.isDirectory(VERSION_1)) {
      path = Files.createDirectory(VERSION_1.resolve(name));
      Files.writeString(path.resolve("memory.limit_in_bytes"), Long.toString(bytes));
    } else {
      Path root = Path.of("/sys/fs/cgroup");
      Files.writeString(root.resolve("cgroup.subtree_control"), "+memory");
      path = Files.createDirectory(root.resolve(name));
      Files.writeString(path.resolve("memory.max"), Long.toString(bytes));
    }
  }

  /** The command that runs another one under the limit. */
  List<String> entrance(String... words) {
    List<String> command =
        new ArrayList<>(
            List.of("sh", "-c", "echo $$ > %s/cgroup.procs; exec \"$@\"".formatted(path), "sh"));
    command.addAll(List.of(words));
    return command;
  }

  /** Only once all processes in it have ended. */
  @Override
  public void close() throws IOException {
    Files.delete(path);
  }
}
