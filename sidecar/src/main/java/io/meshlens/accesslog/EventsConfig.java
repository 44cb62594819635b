// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import java.time.Duration;
import java.util.Optional;

/**
 * Which records beside the final ones a log gets.
 *
 * @param periodicInterval time between two records of an open connection; empty for none
 */
public record EventsConfig(Opened opened, Periodic periodic, Optional<Duration> periodicInterval) {
  /** Whether the beginning of a connection is recorded. */
  public enum Opened {
    ON,
    OFF
  }

  /** What counts of a connection with more than one record are. */
  public enum Periodic {
    /** There is one record. */
    OFF,
    /** Those since its start, in every record. */
    CUMULATIVE,
    /** Those since the record before. */
    DELTA
  }

  /** The final records only. */
  public static final EventsConfig FINAL =
      new EventsConfig(Opened.OFF, Periodic.OFF, Optional.empty());
}
