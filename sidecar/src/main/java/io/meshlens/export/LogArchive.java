// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.export.LogFileConfig.Compression;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;

/**
 * The files that a log file has put aside: compresses them and removes the oldest. They are told by
 * their names, so that a restart goes on with what it finds, and nobody else's file is touched.
 *
 * <p>{@link #run}: log-archive. Other methods: any thread.
 */
public final class LogArchive implements Runnable {
  private static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss.SSS'Z'").withZone(ZoneOffset.UTC);
  private static final String GZ = ".gz";
  private static final String UNFINISHED = ".gz.tmp";
  private static final int BUFFER_BYTES = 64 * 1024;

  /** The fastest level costs a third of the default one, for files a fifth larger. */
  private static final class FastGzip extends GZIPOutputStream {
    FastGzip(OutputStream out) throws IOException {
      super(out, BUFFER_BYTES);
      def.setLevel(Deflater.BEST_SPEED);
    }
  }

  private final LogFileConfig config;
  private final Path directory;
  private final Pattern names;
  private final Vitals vitals;
  private final Log log;
  private final Semaphore looks = new Semaphore(1);
  private volatile boolean ending;

  public LogArchive(LogFileConfig config, Vitals vitals, Log log) {
    this.config = config;
    this.vitals = vitals;
    this.log = log;
    Path parent = config.path().toAbsolutePath().getParent();
    directory = parent == null ? Path.of("/") : parent;
    names =
        Pattern.compile(
            Pattern.quote(config.path().getFileName() + "-")
                + "\\d{8}T\\d{6}\\.\\d{3}Z(\\.gz|\\.gz\\.tmp)?");
  }

  /** A free name for the file that is put aside at a moment. */
  Path nextName(Instant now) {
    for (Instant stamp = now; ; stamp = stamp.plusMillis(1)) {
      String name = config.path().getFileName() + "-" + STAMP.format(stamp);
      Path path = directory.resolve(name);
      if (!Files.exists(path) && !Files.exists(directory.resolve(name + GZ))) {
        return path;
      }
    }
  }

  /** There is something new to look at. */
  void look() {
    looks.release();
  }

  /** The thread ends after what it does; what is left waits for the next start. */
  void end() {
    ending = true;
    looks.release();
  }

  /** Looks at once, for what an earlier run has left, and whenever asked. */
  @Override
  public void run() {
    try {
      while (true) {
        looks.acquire();
        looks.drainPermits();
        if (ending) {
          return;
        }
        tidy();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Compresses what is to be compressed and removes what is too much. */
  void tidy() {
    try {
      removeTooMany();
      if (config.compression() == Compression.GZIP) {
        for (Path file : files()) {
          if (ending) {
            return;
          }
          if (!file.toString().endsWith(GZ)) {
            compress(file);
          }
        }
        removeTooMany();
      }
    } catch (IOException e) {
      vitals.increment(Vital.FILE_FAILURES);
      log.warnRepeated("archive", "cannot take care of old access log files: " + e);
    }
  }

  /** Oldest first; what a crash left unfinished is removed. */
  private List<Path> files() throws IOException {
    List<Path> files = new ArrayList<>();
    try (Stream<Path> all = Files.list(directory)) {
      for (Path file :
          all.filter(f -> names.matcher(f.getFileName().toString()).matches()).toList()) {
        if (file.toString().endsWith(UNFINISHED)) {
          Files.deleteIfExists(file);
        } else {
          files.add(file);
        }
      }
    }
    Collections.sort(files);
    return files;
  }

  private void removeTooMany() throws IOException {
    List<Path> files = files();
    long bytes = 0;
    int kept = 0;
    for (Path file : files.reversed()) {
      bytes += Files.size(file);
      kept++;
      if (kept > config.keepFiles() || bytes > config.maxTotalBytes().orElse(Long.MAX_VALUE)) {
        Files.deleteIfExists(file);
      }
    }
  }

  private void compress(Path file) throws IOException {
    Path unfinished = file.resolveSibling(file.getFileName() + UNFINISHED);
    Path finished = file.resolveSibling(file.getFileName() + GZ);
    if (!Files.exists(finished)) {
      try (InputStream in = Files.newInputStream(file);
          OutputStream out = new FastGzip(Files.newOutputStream(unfinished))) {
        byte[] buffer = new byte[BUFFER_BYTES];
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
          if (ending) {
            return; // the next start begins anew
          }
          out.write(buffer, 0, n);
        }
      }
      Files.setPosixFilePermissions(unfinished, Files.getPosixFilePermissions(file));
      Files.move(unfinished, finished);
    }
    Files.delete(file);
  }
}
