// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.app.AccessLogConfig.FileLog;
import io.meshlens.config.ConfigKey;
import io.meshlens.config.Configuration;
import io.meshlens.config.ValueType;
import io.meshlens.export.LogFileConfig;
import io.meshlens.export.LogFileConfig.Compression;
import io.meshlens.export.LogFileConfig.Sync;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** Settings of the access log file, in the order of the reference page. */
public final class LogFileSettings {
  private static final long KIB = 1 << 10;
  private static final long GIB = 1 << 30;

  public static final ConfigKey<Optional<Path>> PATH =
      new ConfigKey<>(
          "access_log.file.path",
          ValueType.optional(ValueType.absolutePath()),
          "",
          "A file that connections are appended to, one line each; SIGHUP has it opened anew.");
  public static final LineSettings LINES = new LineSettings("file");
  public static final ConfigKey<Optional<Long>> ROTATE_SIZE =
      new ConfigKey<>(
          "access_log.file.rotate_size",
          ValueType.optional(ValueType.bytes(64 * KIB, 1024 * GIB)),
          "100MiB",
          "Size that the file does not exceed: it is put aside for a new one before; empty for any.");
  public static final ConfigKey<Optional<Duration>> ROTATE_INTERVAL =
      new ConfigKey<>(
          "access_log.file.rotate_interval",
          ValueType.optional(ValueType.duration(Duration.ofSeconds(1), Duration.ofDays(7))),
          "",
          "Time after which the file is put aside, at multiples of it in UTC; empty for never.");
  public static final ConfigKey<Integer> KEEP_FILES =
      new ConfigKey<>(
          "access_log.file.keep_files",
          ValueType.integer(0, 10_000),
          "10",
          "Files put aside that stay; the oldest are removed.");
  public static final ConfigKey<Optional<Long>> MAX_TOTAL_SIZE =
      new ConfigKey<>(
          "access_log.file.max_total_size",
          ValueType.optional(ValueType.bytes(64 * KIB, 1024 * GIB)),
          "1GiB",
          "How large the files put aside may be together; the oldest are removed; empty for any.");
  public static final ConfigKey<Boolean> COMPRESS =
      new ConfigKey<>(
          "access_log.file.compress",
          ValueType.bool(),
          "true",
          "Whether files put aside are compressed by gzip.");
  public static final ConfigKey<Sync> FSYNC =
      new ConfigKey<>(
          "access_log.file.fsync",
          ValueType.oneOf(Sync.class, sync -> sync.name().toLowerCase(Locale.ROOT)),
          "rotation",
          "When the disk is made to have every line, against a crash of the node: never, when a file"
              + " is put aside or closed, or every second too.");
  public static final ChoiceSettings CHOICE = new ChoiceSettings("file");

  /** All of them. */
  public static final List<ConfigKey<?>> ALL =
      Stream.of(
              List.<ConfigKey<?>>of(PATH),
              LINES.keys(),
              List.<ConfigKey<?>>of(
                  ROTATE_SIZE, ROTATE_INTERVAL, KEEP_FILES, MAX_TOTAL_SIZE, COMPRESS, FSYNC),
              CHOICE.keys())
          .flatMap(List::stream)
          .toList();

  static Optional<FileLog> file(Configuration values, String hostName) {
    return values
        .get(PATH)
        .map(
            path ->
                new FileLog(
                    new LogFileConfig(
                        path,
                        values.get(ROTATE_SIZE),
                        values.get(ROTATE_INTERVAL),
                        values.get(KEEP_FILES),
                        values.get(MAX_TOTAL_SIZE),
                        values.get(COMPRESS) ? Compression.GZIP : Compression.NONE,
                        values.get(FSYNC)),
                    LINES.lines(values, hostName),
                    CHOICE.chosen(values)));
  }

  private LogFileSettings() {}
}
