// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A BPF file system of its own for a test, gone afterwards. */
final class MountedBpfFileSystem implements AutoCloseable {
  private final Path directory;

  MountedBpfFileSystem() throws IOException {
    directory = Files.createTempDirectory("bpffs");
    Command.run("mount", "-t", "bpf", "bpf", directory.toString());
  }

  Path path(String name) {
    return directory.resolve(name);
  }

  @Override
  public void close() throws IOException {
    Command.run("umount", directory.toString());
    Files.delete(directory);
  }
}
