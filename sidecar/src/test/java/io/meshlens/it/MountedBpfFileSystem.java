// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A BPF file system of its own for a test, gone afterwards with all that is pinned there. */
final class MountedBpfFileSystem implements AutoCloseable {
  private final Path directory;

  MountedBpfFileSystem() throws IOException, InterruptedException {
    directory = Files.createTempDirectory("meshlens-bpf");
    run("mount", "-t", "bpf", "bpf", directory.toString());
  }

  Path path(String name) {
    return directory.resolve(name);
  }

  private static void run(String... command) throws IOException, InterruptedException {
    try (ChildProcess process = ChildProcess.of(command)) {
      assertThat(process.exitCode()).as("%s", process.err()).isZero();
    }
  }

  @Override
  public void close() throws IOException, InterruptedException {
    run("umount", directory.toString());
    Files.delete(directory);
  }
}
