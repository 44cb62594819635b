// SPDX-License-Identifier: Apache-2.0
package io.meshlens.spool;

import io.meshlens.spool.Position.Marks;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The files of one spool, locked for one process. Guarded by the lock of {@link DiskSpool}. */
final class SpoolDirectory implements AutoCloseable {
  /** At most one file that cannot be read is kept for whoever wants to look at it. */
  private static final String DAMAGED = "damaged";

  private final Path path;
  private final FileChannel lockChannel;
  private final Position position;

  private SpoolDirectory(Path path, FileChannel lockChannel, Position position) {
    this.path = path;
    this.lockChannel = lockChannel;
    this.position = position;
  }

  /** Makes it if there is none, and locks it. */
  static SpoolDirectory open(Path path) throws IOException {
    FileChannel channel;
    try {
      Files.createDirectories(path);
      channel =
          FileChannel.open(
              path.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw unusable(path, e);
    }
    try {
      FileLock lock = tryLock(channel);
      if (lock == null) {
        throw new IOException(
            "the spool %s is in use by another process: stop it, or give this one an"
                    .formatted(path)
                + " access_log.spool.directory of its own");
      }
      return new SpoolDirectory(path, channel, new Position(path.resolve("position")));
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException ours) {
      return null;
    }
  }

  private static IOException unusable(Path path, IOException cause) {
    return new IOException(
        "cannot use the spool %s: %s; let access_log.spool.directory name a directory that this"
                .formatted(path, reason(cause))
            + " user may write to, or empty it",
        cause);
  }

  /** What failed, in words. */
  static String reason(Throwable failure) {
    Throwable cause = failure;
    while (cause.getCause() != null && !(cause instanceof java.nio.file.FileSystemException)) {
      cause = cause.getCause();
    }
    return switch (cause) {
      case AccessDeniedException e -> "permission denied for " + e.getFile();
      case FileAlreadyExistsException e -> e.getFile() + " is not a directory";
      case NotDirectoryException e -> e.getFile() + " is not a directory";
      default -> String.valueOf(cause.getMessage());
    };
  }

  /** In order of their records. */
  Deque<Segment> segments() throws IOException {
    List<Segment> found = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(path)) {
      for (Path file : files) {
        Segment segment = Segment.existing(file);
        if (segment != null) {
          found.add(segment);
        }
      }
    }
    found.sort(Comparator.comparingLong(segment -> segment.firstRecord));
    return new ArrayDeque<>(found);
  }

  /** The number after the last record that can be read; 0 when there is none. */
  long endOfLast(Deque<Segment> segments, StoredBatch codec, Losses losses) {
    while (!segments.isEmpty()) {
      Segment last = segments.getLast();
      try {
        Long batch = last.last();
        byte[] value = batch == null ? null : last.value(batch);
        Batch decoded = value == null ? null : codec.decode(value);
        last.close();
        if (batch != null) {
          return batch + (decoded == null ? 0 : decoded.records());
        }
        segments.removeLast().delete();
      } catch (RuntimeException | IOException e) {
        losses.failed("cannot read %s: %s; it is set aside".formatted(last.file, reason(e)));
        segments.remove(last);
        setAside(last, losses);
      }
    }
    return 0;
  }

  void setAside(Segment segment, Losses losses) {
    segment.close();
    try {
      Files.move(segment.file, path.resolve(DAMAGED), StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      losses.failed("cannot set %s aside: %s".formatted(segment.file, reason(e)));
    }
  }

  @Nullable Marks marks() throws IOException {
    return position.read();
  }

  void write(Marks marks, boolean durable) throws IOException {
    position.write(marks);
    if (durable) {
      position.fsync();
    }
  }

  /** Another process may have it. */
  @Override
  public void close() {
    try (FileChannel unlocked = lockChannel) {
      position.close();
      unlocked.force(false);
    } catch (IOException e) {
      // The end of the process closes both.
    }
  }
}
