// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CgroupsTest {
  private static final String PROC = "22 1 0:21 / /proc rw,nosuid shared:13 - proc proc rw";
  private static final String V1_MEMORY =
      "31 30 0:27 / /sys/fs/cgroup/memory rw shared:10 - cgroup cgroup rw,memory";

  @Test
  void unifiedMachineHasItAtTheUsualPlace() {
    assertThat(
            Cgroups.findRoot(
                List.of(PROC, "30 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw")))
        .contains(Path.of("/sys/fs/cgroup"));
  }

  @Test
  void hybridMachineHasItBesideTheOldHierarchies() {
    assertThat(
            Cgroups.findRoot(
                List.of(
                    PROC,
                    "30 23 0:26 / /sys/fs/cgroup ro shared:9 - tmpfs tmpfs ro,mode=755",
                    V1_MEMORY,
                    "32 30 0:28 / /sys/fs/cgroup/unified rw shared:11 - cgroup2 cgroup2 rw")))
        .contains(Path.of("/sys/fs/cgroup/unified"));
  }

  @Test
  void machineWithOldHierarchiesOnlyHasNone() {
    assertThat(Cgroups.findRoot(List.of(PROC, V1_MEMORY))).isEmpty();
  }

  @Test
  void emptyMountTableHasNone() {
    assertThat(Cgroups.findRoot(List.of())).isEmpty();
  }

  @Test
  void mountOfTheWholeComesBeforeAShorterMountOfAPart() {
    assertThat(
            Cgroups.findRoot(
                List.of(
                    "40 23 0:26 /kubepods/pod1 /cg rw - cgroup2 cgroup2 rw",
                    "41 23 0:26 / /host/sys/fs/cgroup rw - cgroup2 cgroup2 rw")))
        .contains(Path.of("/host/sys/fs/cgroup"));
  }

  @Test
  void partIsTakenWhenThereIsNothingElse() {
    assertThat(
            Cgroups.findRoot(List.of("40 23 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw")))
        .contains(Path.of("/sys/fs/cgroup"));
  }

  @Test
  void shorterOfTwoWholeMountsIsTaken() {
    assertThat(
            Cgroups.findRoot(
                List.of(
                    "40 23 0:26 / /run/copy/of/cgroup rw - cgroup2 none rw",
                    "41 23 0:26 / /sys/fs/cgroup rw - cgroup2 none rw")))
        .contains(Path.of("/sys/fs/cgroup"));
  }

  @Test
  void escapedPathIsUnescaped() {
    assertThat(
            Cgroups.findRoot(List.of("40 23 0:26 / /mnt/a\\040b\\011c\\134d rw - cgroup2 none rw")))
        .contains(Path.of("/mnt/a b\tc\\d"));
  }

  @Test
  void escapedBackslashBeforeDigitsIsNoOtherEscape() {
    // The directory "a\040b": its backslash is written as \134.
    assertThat(Cgroups.findRoot(List.of("40 23 0:26 / /mnt/a\\134040b rw - cgroup2 none rw")))
        .contains(Path.of("/mnt/a\\040b"));
  }

  @Test
  void mountWithSeveralTagsIsUnderstood() {
    assertThat(Cgroups.findRoot(List.of("40 23 0:26 / /cg rw shared:4 master:2 - cgroup2 none rw")))
        .contains(Path.of("/cg"));
  }

  @Test
  void typeIsNotTakenFromASourceNamedCgroup2() {
    assertThat(Cgroups.findRoot(List.of("40 23 0:26 / /cg rw - tmpfs cgroup2 rw"))).isEmpty();
  }

  @Test
  void ordinaryDirectoryIsNoCgroup(@TempDir Path directory) {
    assertThat(Cgroups.isCgroup2Directory(directory)).isFalse();
  }

  @Test
  void missingDirectoryIsNoCgroup(@TempDir Path directory) {
    assertThat(Cgroups.isCgroup2Directory(directory.resolve("missing"))).isFalse();
  }
}
