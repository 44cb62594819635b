// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshlens.it.RequiresKernel;
import io.meshlens.kernel.KernelConfig.ConntrackUse;
import io.meshlens.kernel.KernelConfig.PinPath;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What can go between the look at the cgroup and the attachment. */
@RequiresKernel
class AttachIT {
  private static final Path HOME = Path.of("target/dist").toAbsolutePath();

  @Test
  void aCgroupThatVanishesBeforeTheAttachmentIsNamed() throws Exception {
    Path directory =
        Files.createDirectory(
            Cgroups.findRoot().orElseThrow().resolve("meshlens-it-" + System.nanoTime()));
    try {
      KernelConfig config =
          new KernelConfig(
              HOME.resolve("bpf/meshlens.bpf.o"),
              Optional.of(directory),
              1 << 16,
              16,
              2048,
              new PinPath.Off(),
              ConntrackUse.LEFT_ALONE,
              Optional.empty());
      WatchedCgroup cgroup = WatchedCgroup.of(config.cgroup());
      try (KernelPrograms programs = KernelPrograms.load(config, cgroup, Optional.empty())) {
        Files.delete(directory);
        assertThatThrownBy(() -> programs.attach(cgroup))
            .isInstanceOf(KernelUnavailableException.class)
            .hasMessageContaining(directory.toString())
            .hasMessageContaining("is gone");
      }
    } finally {
      Files.deleteIfExists(directory);
    }
  }
}
