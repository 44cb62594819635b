// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * A log file and what becomes of it.
 *
 * @param rotateBytes size at which it is put aside; empty for never
 * @param rotateInterval time after which it is, at multiples since the epoch (UTC); empty for never
 * @param keepFiles how many that were put aside stay
 * @param maxTotalBytes how large those together may be
 */
public record LogFileConfig(
    Path path,
    Optional<Long> rotateBytes,
    Optional<Duration> rotateInterval,
    int keepFiles,
    Optional<Long> maxTotalBytes,
    Compression compression,
    Sync sync) {
  /** Of files that were put aside. */
  public enum Compression {
    GZIP,
    NONE
  }

  /** When the disk itself must have what was written; a crash of the node loses what it has not. */
  public enum Sync {
    /** When the kernel likes. */
    NEVER,
    /** When the file is put aside or closed. */
    ROTATION,
    /** The same, and at most a second after each line. */
    SECOND
  }
}
