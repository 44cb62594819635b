// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Container ids by cgroup: the 64 hexadecimal digits that runtimes put into the name of a
 * container's cgroup directory. A cgroup below a container's belongs to it.
 *
 * <p>{@link #find} is for ring-reader: it reads an immutable snapshot and allocates nothing. {@link
 * #scan} is for another thread.
 */
public final class Containers {
  private static final Pattern CONTAINER =
      Pattern.compile("(?:^|[-.:])([0-9a-f]{64})(?:\\.scope)?$");

  /** Sorted ids of all cgroups, and for each its container. */
  private static final class Snapshot {
    final long[] cgroupIds;
    final String[] containerIds;

    /** Takes containers by cgroup, sorted. */
    Snapshot(SortedMap<Long, String> containers) {
      cgroupIds = containers.keySet().stream().mapToLong(Long::longValue).toArray();
      containerIds = containers.values().toArray(new String[0]);
    }
  }

  private final Path root;
  private volatile Snapshot snapshot = new Snapshot(new TreeMap<>());
  private volatile boolean wanted = true;

  /**
   * Knows nothing before the first scan.
   *
   * @param root the watched cgroup: nobody asks for cgroups that are not below it
   */
  public Containers(Path root) {
    this.root = root;
  }

  /** The container of a cgroup; empty when it has none, or is not known yet. */
  String find(long cgroupId) {
    Snapshot now = snapshot;
    int at = Arrays.binarySearch(now.cgroupIds, cgroupId);
    if (at < 0) {
      wanted = true;
      return "";
    }
    return now.containerIds[at];
  }

  /** Whether a cgroup was asked for that the last scan did not find. */
  public boolean isScanWanted() {
    return wanted;
  }

  /** Walks the hierarchy anew; ids of cgroups that are gone are forgotten. */
  public void scan() throws IOException {
    wanted = false;
    SortedMap<Long, String> found = new TreeMap<>();
    Files.walkFileTree(root, new Visitor(found));
    snapshot = new Snapshot(found);
  }

  /** The container id in a directory's name. */
  static Optional<String> containerId(String directoryName) {
    Matcher matcher = CONTAINER.matcher(directoryName);
    return matcher.find() ? Optional.of(matcher.group(1)) : Optional.empty();
  }

  private static final class Visitor extends SimpleFileVisitor<Path> {
    private final Map<Long, String> found;

    Visitor(Map<Long, String> found) {
      this.found = found;
    }

    @Override
    public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
        throws IOException {
      found.put(inode(directory), containerOf(directory));
      return FileVisitResult.CONTINUE;
    }

    /** A cgroup may be removed during the walk. */
    @Override
    public FileVisitResult visitFileFailed(Path file, IOException e) {
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException e) {
      return FileVisitResult.CONTINUE;
    }

    private static long inode(Path directory) {
      try {
        return ((Number) Files.getAttribute(directory, "unix:ino")).longValue();
      } catch (IOException e) {
        return 0;
      }
    }

    /** The innermost container: a nested one is named below the one it runs in. */
    private String containerOf(Path directory) {
      for (Path part = directory; part != null; part = part.getParent()) {
        Optional<String> id = containerId(String.valueOf(part.getFileName()));
        if (id.isPresent()) {
          return id.get();
        }
      }
      return "";
    }
  }
}
