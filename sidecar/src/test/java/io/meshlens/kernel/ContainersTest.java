// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ContainersTest {
  private static final String ID = "0123456789abcdef".repeat(4);
  private static final String OTHER = "fedcba9876543210".repeat(4);

  @TempDir Path root;

  private static long inode(Path directory) throws IOException {
    return ((Number) Files.getAttribute(directory, "unix:ino")).longValue();
  }

  @ParameterizedTest
  @CsvSource({
    "cri-containerd-%s.scope",
    "crio-%s.scope",
    "docker-%s.scope",
    "libpod-%s.scope",
    "%s",
    "kubepods-pod1:cri-containerd:%s"
  })
  void idIsFoundInTheNamesThatRuntimesGive(String pattern) {
    assertThat(Containers.containerId(pattern.formatted(ID))).contains(ID);
  }

  @ParameterizedTest
  @CsvSource({
    "kubepods-burstable.slice",
    "crio-conmon-%s.scope.d",
    "0123456789abcdef",
    "x%s",
    "%sx",
    "user.slice"
  })
  void otherNamesHaveNone(String pattern) {
    assertThat(Containers.containerId(pattern.formatted(ID))).isEmpty();
  }

  @Test
  void cgroupBelowAContainerBelongsToIt() throws IOException {
    Path container =
        Files.createDirectories(root.resolve("kubepods.slice/docker-" + ID + ".scope"));
    Path below = Files.createDirectories(container.resolve("init.scope"));
    Path nested = Files.createDirectories(below.resolve(OTHER));
    Containers containers = new Containers(root);
    containers.scan();
    assertThat(containers.find(inode(container))).isEqualTo(ID);
    assertThat(containers.find(inode(below))).isEqualTo(ID);
    assertThat(containers.find(inode(nested))).isEqualTo(OTHER);
    assertThat(containers.find(inode(root.resolve("kubepods.slice")))).isEmpty();
    assertThat(containers.isScanWanted()).isFalse();
  }

  @Test
  void unknownCgroupAsksForAScanThatFindsIt() throws IOException {
    Containers containers = new Containers(root);
    containers.scan();
    Path container = Files.createDirectories(root.resolve(ID));
    assertThat(containers.find(inode(container))).isEmpty();
    assertThat(containers.isScanWanted()).isTrue();
    containers.scan();
    assertThat(containers.find(inode(container))).isEqualTo(ID);
  }

  @Test
  void cgroupThatIsGoneIsForgottenSoThatItsNumberMeansNothingOld() throws IOException {
    Path container = Files.createDirectories(root.resolve(ID));
    long inode = inode(container);
    Containers containers = new Containers(root);
    containers.scan();
    Files.delete(container);
    containers.scan();
    assertThat(containers.find(inode)).isEmpty();
  }
}
