// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.config.ConfigKey;
import io.meshlens.config.Configuration;
import io.meshlens.config.ValueType;
import io.meshlens.spool.Overflow;
import io.meshlens.spool.SpoolConfig;
import io.meshlens.spool.SpoolConfig.Fsync;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Settings of what is promised for access logs that go to a receiver (docs/delivery.md). */
public final class DeliverySettings {
  /** What is promised. */
  public enum Promise {
    AUTO,
    AT_LEAST_ONCE,
    BEST_EFFORT;

    String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  public static final ConfigKey<Promise> DELIVERY =
      new ConfigKey<>(
          "access_log.delivery",
          ValueType.oneOf(Promise.class, Promise::label),
          "auto",
          "Whether records wait on disk until a receiver has confirmed them, or in memory; auto is"
              + " at_least_once when there is a spool directory.");
  public static final ConfigKey<Overflow> OVERFLOW =
      new ConfigKey<>(
          "access_log.overflow",
          ValueType.oneOf(Overflow.class, Overflow::label),
          "drop_oldest",
          "Which records are lost, and counted, when those that wait reach their bound.");
  public static final ConfigKey<Long> MEMORY_SIZE =
      new ConfigKey<>(
          "access_log.memory_size",
          ValueType.bytes(64 << 10, 1L << 30),
          "8MiB",
          "Encoded records that may wait in memory for each receiver: all of them, or with a spool"
              + " those that the disk does not take.");
  public static final ConfigKey<String> SPOOL_DIRECTORY =
      new ConfigKey<>(
          "access_log.spool.directory",
          ValueType.text(),
          "",
          "Directory where records wait for a receiver and outlive this program; empty for none.");
  public static final ConfigKey<Long> SPOOL_MAX_SIZE =
      new ConfigKey<>(
          "access_log.spool.max_size",
          ValueType.bytes(4 << 20, 1L << 40),
          "256MiB",
          "Bound of the files of each receiver; some ten million records compressed in 1 GiB.");
  public static final ConfigKey<Fsync> SPOOL_FSYNC =
      new ConfigKey<>(
          "access_log.spool.fsync",
          ValueType.oneOf(Fsync.class, Fsync::label),
          "never",
          "When the disk itself is told to keep what was written: only a power failure or a crash"
              + " of the kernel makes a difference.");

  /** All of them. */
  public static final List<ConfigKey<?>> ALL =
      List.of(DELIVERY, OVERFLOW, MEMORY_SIZE, SPOOL_DIRECTORY, SPOOL_MAX_SIZE, SPOOL_FSYNC);

  /** What several of them must be together. */
  public static final List<Configuration.Check> CHECKS =
      List.of(
          new Configuration.Check(
              List.of(DELIVERY, SPOOL_DIRECTORY), DeliverySettings::directoryProblems),
          new Configuration.Check(
              List.of(MEMORY_SIZE, AccessLogSettings.ALS_BATCH_SIZE, OtlpLogSettings.BATCH_SIZE),
              DeliverySettings::sizeProblems));

  private static List<String> directoryProblems(Configuration values) {
    boolean none = values.get(SPOOL_DIRECTORY).isEmpty();
    return none && values.get(DELIVERY) == Promise.AT_LEAST_ONCE
        ? List.of(
            "access_log.delivery = \"at_least_once\" needs access_log.spool.directory, where"
                + " records wait; or expected best_effort")
        : List.of();
  }

  /** A message that does not fit twice would be dropped as soon as one is under way. */
  private static List<String> sizeProblems(Configuration values) {
    long largest =
        Math.max(
            values.get(AccessLogSettings.ALS_BATCH_SIZE), values.get(OtlpLogSettings.BATCH_SIZE));
    return values.get(MEMORY_SIZE) < 4 * largest
        ? List.of(
            "access_log.memory_size must hold four messages: expected at least %d bytes, for"
                    .formatted(4 * largest)
                + " access_log.als.batch_size and access_log.otlp.batch_size as they are")
        : List.of();
  }

  static SpoolConfig spool(Configuration values) {
    String directory = values.get(SPOOL_DIRECTORY);
    boolean durable = !directory.isEmpty() && values.get(DELIVERY) != Promise.BEST_EFFORT;
    return new SpoolConfig(
        durable ? Optional.of(Path.of(directory)) : Optional.empty(),
        values.get(SPOOL_MAX_SIZE),
        values.get(MEMORY_SIZE),
        values.get(OVERFLOW),
        values.get(SPOOL_FSYNC));
  }

  private DeliverySettings() {}
}
