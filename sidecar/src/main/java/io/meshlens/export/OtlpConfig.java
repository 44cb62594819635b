// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import java.time.Duration;
import java.util.Locale;

/**
 * Where metrics are pushed to, and how.
 *
 * @param exportTimeout for a push with all its requests and retries
 */
public record OtlpConfig(
    OtlpReceiver receiver,
    Duration interval,
    Duration exportTimeout,
    Temporality temporality,
    Histograms histograms) {
  /** From when a pushed sum counts, by the specification's names of preferences. */
  public enum Temporality {
    CUMULATIVE,
    DELTA,
    LOWMEMORY;

    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** The form of pushed histograms. */
  public enum Histograms {
    EXPONENTIAL,
    EXPLICIT;

    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** How long a push may take, so that none is late for the next. */
  Duration budget() {
    return exportTimeout.compareTo(interval) < 0 ? exportTimeout : interval;
  }
}
