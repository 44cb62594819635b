// SPDX-License-Identifier: Apache-2.0
package io.meshlens.spool;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;
import org.h2.mvstore.MVStoreException;
import org.jspecify.annotations.Nullable;

/**
 * One file of a spool: a store of batches by the number of their first record. It is written by the
 * process that made it and only read by those after. Guarded by the lock of {@link DiskSpool}.
 */
final class Segment {
  private static final Pattern NAME = Pattern.compile("records-(\\d{19})\\.mv");

  /** A batch of the usual size fills a page, small ones share one. */
  private static final int PAGE_SPLIT_BYTES = 4096;

  /**
   * How long the store leaves alone what it no longer needs, so that it can go back to an earlier
   * state when the last writes did not reach the disk.
   */
  private static final int RETENTION_MILLIS = 10_000;

  private static final int CACHE_MIB = 1;

  final Path file;

  /** Number of the first record that is or was in it. */
  final long firstRecord;

  private @Nullable MVStore store;
  private @Nullable MVMap<Long, byte[]> batches;

  /** Of the file, while it is not open. */
  private long closedBytes;

  private Segment(Path file, long firstRecord) {
    this.file = file;
    this.firstRecord = firstRecord;
  }

  /**
   * A new and empty one, open for writing.
   *
   * @throws MVStoreException when the file cannot be made
   */
  static Segment create(Path directory, long firstRecord) throws IOException {
    Segment made =
        new Segment(directory.resolve("records-%019d.mv".formatted(firstRecord)), firstRecord);
    try {
      made.open(new MVStore.Builder().pageSplitSize(PAGE_SPLIT_BYTES));
    } catch (MVStoreException e) {
      Files.deleteIfExists(made.file);
      throw e;
    }
    return made;
  }

  /** One that is there; null when the file is none. */
  static @Nullable Segment existing(Path file) throws IOException {
    Path name = file.getFileName();
    Matcher matcher = NAME.matcher(name == null ? "" : name.toString());
    if (!matcher.matches()) {
      return null;
    }
    Segment found = new Segment(file, Long.parseLong(matcher.group(1)));
    found.closedBytes = Files.size(file);
    return found;
  }

  private MVMap<Long, byte[]> open(MVStore.Builder builder) {
    MVStore opened =
        builder
            .fileName(file.toString())
            // Commits are ours, on our thread; the store would start one of its own.
            .autoCommitDisabled()
            .cacheSize(CACHE_MIB)
            .open();
    opened.setRetentionTime(RETENTION_MILLIS);
    opened.setVersionsToKeep(0);
    store = opened;
    MVMap<Long, byte[]> map = opened.openMap("batches");
    batches = map;
    return map;
  }

  private MVMap<Long, byte[]> batches() {
    MVMap<Long, byte[]> open = batches;
    return open != null ? open : open(new MVStore.Builder().readOnly());
  }

  void append(long record, byte[] value) {
    batches().put(record, value);
  }

  /** What was appended is in the file, and as good as on the disk while the kernel lives. */
  void commit() {
    if (store != null) {
      store.commit();
    }
  }

  /** What was committed is on the disk. */
  void fsync() {
    if (store != null) {
      store.sync();
    }
  }

  /** Number of the first batch at or after a record; null when there is none. */
  @Nullable Long ceiling(long record) {
    return batches().ceilingKey(record);
  }

  /** Number of the last batch; null when there is none. */
  @Nullable Long last() {
    return batches().lastKey();
  }

  byte @Nullable [] value(long record) {
    return batches().get(record);
  }

  long sizeBytes() {
    MVStore open = store;
    return open == null || open.isClosed() ? closedBytes : open.getFileStore().size();
  }

  /** Lets go of the file; what was not committed is lost. */
  void close() {
    MVStore open = store;
    if (open != null) {
      store = null;
      batches = null;
      open.closeImmediately();
      try {
        closedBytes = Files.size(file);
      } catch (IOException e) {
        closedBytes = 0;
      }
    }
  }

  void delete() throws IOException {
    close();
    Files.deleteIfExists(file);
  }
}
