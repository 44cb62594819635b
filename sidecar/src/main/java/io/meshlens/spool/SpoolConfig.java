// SPDX-License-Identifier: Apache-2.0
package io.meshlens.spool;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Where records wait, the same for every receiver.
 *
 * @param directory below which each receiver has one of its own; empty for memory only
 * @param maxBytes of the files for one receiver together
 * @param memoryBytes of what waits for one receiver in memory: all, or while the disk refuses
 */
public record SpoolConfig(
    Optional<Path> directory, long maxBytes, long memoryBytes, Overflow overflow, Fsync fsync) {
  /** When the disk is told to keep what was written even if the power fails. */
  public enum Fsync {
    NEVER("never"),
    EVERY_SECOND("every_second"),
    ALWAYS("always");

    private final String label;

    Fsync(String label) {
      this.label = label;
    }

    public String label() {
      return label;
    }
  }

  /** Files are small parts of the bound: what is dropped or confirmed frees whole files. */
  long segmentBytes() {
    return Math.clamp(maxBytes / 16, 256L << 10, 64L << 20);
  }
}
