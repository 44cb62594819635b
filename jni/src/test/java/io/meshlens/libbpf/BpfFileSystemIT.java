// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@RequiresBpf
class BpfFileSystemIT {
  @TempDir Path directory;

  @Test
  void directoriesOfABpfFileSystemAreToldFromOthers() throws IOException {
    try (MountedBpfFileSystem files = new MountedBpfFileSystem()) {
      Path below = Files.createDirectory(files.path("below"));

      assertThat(BpfFileSystem.contains(below)).isTrue();
      assertThat(BpfFileSystem.contains(files.path("."))).isTrue();
      assertThat(BpfFileSystem.contains(directory)).isFalse();
      assertThat(BpfFileSystem.contains(Path.of("/proc"))).isFalse();
    }
  }

  @Test
  void aMissingDirectoryIsAnError() {
    Path missing = directory.resolve("missing");

    assertThatThrownBy(() -> BpfFileSystem.contains(missing))
        .isInstanceOf(BpfException.class)
        .hasMessageStartingWith("find the file system of " + missing + ": ENOENT");
  }
}
