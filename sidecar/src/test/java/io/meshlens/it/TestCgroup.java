// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A cgroup that a test made, for a sidecar to watch nothing but what the test does. */
final class TestCgroup implements AutoCloseable {
  private final Path path;

  TestCgroup() throws IOException {
    path = Files.createDirectory(root().resolve("meshlens-it-" + System.nanoTime()));
  }

  /** One below another, which is closed after it. */
  TestCgroup(TestCgroup parent, String name) throws IOException {
    path = Files.createDirectory(parent.path.resolve(name));
  }

  private static Path root() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/mounts")).stream()
        .map(line -> line.split(" "))
        .filter(fields -> fields[2].equals("cgroup2"))
        .map(fields -> Path.of(fields[1]))
        .findFirst()
        .orElseThrow();
  }

  Path path() {
    return path;
  }

  /** The command that runs another one, named by further words, in this cgroup. */
  List<String> entrance() {
    return List.of("sh", "-c", "echo $$ > %s/cgroup.procs; exec \"$@\"".formatted(path), "sh");
  }

  /** The command that runs another one in this cgroup and in a network namespace. */
  List<String> entrance(NetworkNamespace namespace) {
    List<String> command = new ArrayList<>(entrance());
    command.addAll(namespace.entrance());
    return command;
  }

  /** Only once all processes in it have ended. */
  @Override
  public void close() throws IOException {
    Files.delete(path);
  }
}
