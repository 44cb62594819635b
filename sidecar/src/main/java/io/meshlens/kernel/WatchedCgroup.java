// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The cgroup whose sockets are watched, with all below it.
 *
 * @param directory of the cgroup v2 file system
 * @param id kernfs id, which is the directory's inode number
 * @param isRoot whether it is the root of the mount, so that every socket belongs to it
 */
public record WatchedCgroup(Path directory, long id, boolean isRoot) {
  /**
   * Finds the configured cgroup, or the root of the hierarchy.
   *
   * @throws KernelUnavailableException when there is none
   */
  public static WatchedCgroup of(Optional<Path> configured) throws KernelUnavailableException {
    try {
      Optional<Path> root = Cgroups.findRoot();
      Path directory =
          configured
              .or(() -> root)
              .orElseThrow(
                  () ->
                      new KernelUnavailableException(
                          "cgroup v2 is not mounted; mount it: mount -t cgroup2 none"
                              + " /sys/fs/cgroup"));
      if (!Cgroups.isCgroup2Directory(directory)) {
        throw new KernelUnavailableException(
            directory
                + " is not a directory of a cgroup v2 file system; leave it out for the root");
      }
      return new WatchedCgroup(
          directory,
          ((Number) Files.getAttribute(directory, "unix:ino")).longValue(),
          configured.isEmpty());
    } catch (IOException e) {
      throw new KernelUnavailableException("cannot look for cgroup v2 mounts: " + e, e);
    }
  }

  /** Whether it is still there: a new one in its place is another. */
  public boolean exists() {
    try {
      return ((Number) Files.getAttribute(directory, "unix:ino")).longValue() == id;
    } catch (IOException e) {
      return false;
    }
  }

  /** What the programs compare with; 0: every socket is watched. */
  long idOrZero() {
    return isRoot ? 0 : id;
  }
}
