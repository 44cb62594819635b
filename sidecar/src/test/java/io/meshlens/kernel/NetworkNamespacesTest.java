// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files in place of namespaces: a namespace is told by the inode number of its file. */
class NetworkNamespacesTest {
  @TempDir Path directory;
  private Path proc;
  private Path named;

  @BeforeEach
  void make() throws IOException {
    proc = Files.createDirectories(directory.resolve("proc"));
    named = Files.createDirectories(directory.resolve("netns"));
    process("self");
  }

  private Path process(String pid) throws IOException {
    return Files.createFile(Files.createDirectories(proc.resolve(pid + "/ns")).resolve("net"));
  }

  private static long inode(Path file) {
    return NetworkNamespaces.inode(file).orElseThrow();
  }

  @Test
  void eachNamespaceIsFoundOnce() throws IOException {
    Path first = process("17");
    Path second = process("19");
    Files.createDirectories(proc.resolve("23/ns"));
    Files.createLink(proc.resolve("23/ns/net"), first);
    assertThat(NetworkNamespaces.others(proc, List.of(named)))
        .containsOnlyKeys(inode(first), inode(second));
  }

  @Test
  void ownNamespaceIsNoneOfTheOthers() throws IOException {
    Files.createDirectories(proc.resolve("17/ns"));
    Files.createLink(proc.resolve("17/ns/net"), proc.resolve("self/ns/net"));
    assertThat(NetworkNamespaces.others(proc, List.of(named))).isEmpty();
  }

  @Test
  void namedNamespaceNeedsNoProcess() throws IOException {
    Path blue = Files.createFile(named.resolve("blue"));
    assertThat(NetworkNamespaces.others(proc, List.of(named))).containsEntry(inode(blue), blue);
  }

  @Test
  void processThatIsGoneMeanwhileIsPassedOver() throws IOException {
    Files.createDirectories(proc.resolve("17"));
    Path alive = process("19");
    assertThat(NetworkNamespaces.others(proc, List.of(named))).containsOnlyKeys(inode(alive));
  }

  @Test
  void missingDirectoriesHaveNoNamespaces() {
    assertThat(
            NetworkNamespaces.others(directory.resolve("no"), List.of(directory.resolve("none"))))
        .isEmpty();
  }
}
