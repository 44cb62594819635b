// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.export.LogFileConfig.Sync;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.InstantSource;
import java.util.Locale;
import java.util.Set;

/**
 * An access log file: appended to, put aside by size and time, opened anew when asked.
 *
 * <p>Guarantees: the file holds whole lines only, also after a full disk; a line is in the file, or
 * counted as lost by cause; what cannot be rotated or reopened is written on.
 *
 * <p>Owned by: log-file; but {@link #reopen} is for any thread.
 */
public final class LogFile implements LineTarget {
  private static final long IDLE_MS = 200;
  private static final long LOOK_MS = 1_000;

  /** Longer than an external logrotate takes from its rename to its SIGHUP. */
  private static final int LOOKS_UNTIL_GONE = 10;

  private static final byte NEWLINE = '\n';

  private final LogFileConfig config;
  private final LogArchive archive;
  private final InstantSource clock;
  private final Vitals vitals;
  private final Log log;
  private volatile boolean reopenWanted;
  private FileChannel channel;
  private long sizeBytes;
  private long period;
  private boolean unsynced;
  private long lookedMs;
  private int looksWithoutFile;

  /**
   * Opens the file, or makes it.
   *
   * @param archive takes care of what is put aside
   * @throws IOException when it cannot be written
   */
  public LogFile(
      LogFileConfig config, LogArchive archive, InstantSource clock, Vitals vitals, Log log)
      throws IOException {
    this.config = config;
    this.archive = archive;
    this.clock = clock;
    this.vitals = vitals;
    this.log = log;
    channel = open();
    begin();
  }

  private FileChannel open() throws IOException {
    return FileChannel.open(
        config.path(),
        Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND),
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-r-----")));
  }

  /** Takes over what the opened file has. */
  private void begin() throws IOException {
    sizeBytes = channel.size();
    period =
        periodOf(
            sizeBytes == 0 ? clock.millis() : Files.getLastModifiedTime(config.path()).toMillis());
    looksWithoutFile = 0;
  }

  private long periodOf(long epochMs) {
    return config.rotateInterval().map(i -> Math.floorDiv(epochMs, i.toMillis())).orElse(0L);
  }

  /** Has the file opened anew by its name, soon: somebody else has renamed it. */
  public void reopen() {
    reopenWanted = true;
  }

  @Override
  public void write(byte[] bytes, int lengthBytes, int lines) {
    look(lengthBytes);
    ByteBuffer rest = ByteBuffer.wrap(bytes, 0, lengthBytes);
    long start = sizeBytes;
    try {
      if (!channel.isOpen()) {
        channel = open();
        begin();
      }
      start = channel.size(); // not ours alone: logrotate's copytruncate
      while (rest.hasRemaining()) {
        channel.write(rest);
      }
      sizeBytes = start + lengthBytes;
      unsynced = true;
      vitals.add(Vital.FILE_LINES_WRITTEN, lines);
    } catch (IOException e) {
      keepWholeLines(bytes, start, rest.position(), lines, e);
    }
  }

  /** Some of a chunk may have been written, the last line in part. */
  private void keepWholeLines(
      byte[] bytes, long start, int writtenBytes, int lines, IOException e) {
    int whole = 0;
    int wholeLines = 0;
    for (int i = 0; i < writtenBytes; i++) {
      if (bytes[i] == NEWLINE) {
        whole = i + 1;
        wholeLines++;
      }
    }
    if (whole != writtenBytes) {
      try {
        channel.truncate(start + whole);
      } catch (IOException torn) {
        log.warnRepeated("file-torn", "a line of " + config.path() + " is torn: " + torn);
      }
    }
    sizeBytes = start + whole;
    vitals.add(Vital.FILE_LINES_WRITTEN, wholeLines);
    vitals.add(
        isDiskFull(e) ? Vital.FILE_LINES_LOST_DISK_FULL : Vital.FILE_LINES_LOST_WRITE_FAILED,
        lines - wholeLines);
    log.warnRepeated(
        "file-write",
        "cannot write the access log to %s, lines are being lost: %s"
            .formatted(config.path(), e.getMessage()));
  }

  /** The JDK has no type for ENOSPC and EDQUOT, only the C library's words. */
  private static boolean isDiskFull(IOException e) {
    String message = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
    return message.contains("no space left") || message.contains("quota exceeded");
  }

  @Override
  public void idle() {
    look(0);
  }

  /** What is due before so many more bytes. */
  private void look(int moreBytes) {
    long nowMs = clock.millis();
    if (reopenWanted) {
      reopenWanted = false;
      reopenNow("was asked to");
    }
    boolean tooLarge =
        config.rotateBytes().isPresent() && sizeBytes + moreBytes > config.rotateBytes().get();
    boolean over = periodOf(nowMs) != period;
    if (tooLarge || over) {
      if (sizeBytes > 0) {
        rotate();
      }
      period = periodOf(nowMs);
    }
    if (Math.abs(nowMs - lookedMs) >= LOOK_MS) {
      lookedMs = nowMs;
      if (config.sync() == Sync.SECOND) {
        sync();
      }
      looksWithoutFile = Files.exists(config.path()) ? 0 : looksWithoutFile + 1;
      if (looksWithoutFile == LOOKS_UNTIL_GONE) {
        looksWithoutFile = 0;
        log.warn(config.path() + " is gone; making it anew");
        reopenNow("it was gone");
      }
    }
  }

  private void rotate() {
    try {
      Path aside = archive.nextName(clock.instant());
      Files.move(config.path(), aside);
      vitals.increment(Vital.FILE_ROTATIONS);
    } catch (IOException e) {
      failed("rotate", e);
      if (Files.exists(config.path())) {
        return; // tried again at the next chunk
      }
    }
    replace();
    archive.look();
  }

  private void reopenNow(String why) {
    if (replace()) {
      vitals.increment(Vital.FILE_REOPENS);
      log.info("access log file %s opened anew: %s".formatted(config.path(), why));
    }
  }

  /** By the file of that name now; if there can be none, the old one is written on. */
  private boolean replace() {
    try {
      FileChannel before = channel;
      FileChannel next = open();
      syncAtEnd();
      channel = next;
      begin();
      before.close();
      return true;
    } catch (IOException e) {
      failed("open", e);
      return false;
    }
  }

  private void syncAtEnd() {
    if (config.sync() != Sync.NEVER) {
      sync();
    }
  }

  private void sync() {
    if (unsynced) {
      try {
        channel.force(false);
        unsynced = false;
      } catch (IOException e) {
        failed("synchronize", e);
      }
    }
  }

  private void failed(String what, IOException e) {
    vitals.increment(Vital.FILE_FAILURES);
    log.warnRepeated("file-" + what, "cannot %s %s: %s".formatted(what, config.path(), e));
  }

  @Override
  public long idleMs() {
    return IDLE_MS;
  }

  @Override
  public String name() {
    return config.path().toString();
  }

  @Override
  public Vital lostQueueFull() {
    return Vital.FILE_LINES_LOST_QUEUE_FULL;
  }

  @Override
  public Vital lostAtEnd() {
    return Vital.FILE_LINES_LOST_WRITE_FAILED;
  }

  @Override
  public void close() {
    syncAtEnd();
    try {
      channel.close();
    } catch (IOException e) {
      failed("close", e);
    }
    archive.end();
  }
}
