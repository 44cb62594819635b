// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A disk of a test that is soon full, gone afterwards with all that is on it. */
final class MountedTmpfs implements AutoCloseable {
  private final Path directory;

  MountedTmpfs(int kibibytes) throws IOException, InterruptedException {
    directory = Files.createTempDirectory("meshlens-tmpfs");
    run("mount", "-t", "tmpfs", "-o", "size=%dk".formatted(kibibytes), "tmpfs", directory + "");
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
