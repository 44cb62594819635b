// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.vitals.Vital;
import java.time.Duration;
import java.util.Optional;

/** What came of a request to an OTLP receiver. */
sealed interface Answer {
  /**
   * The receiver has it.
   *
   * @param rejectedPoints points that it has not taken, and will not take when sent again
   * @param message its own words, if it had any
   */
  record Accepted(long rejectedPoints, String message) implements Answer {}

  /**
   * The receiver does not have it, as far as we know.
   *
   * @param retryAfter what the receiver asked for
   */
  record Failed(Cause cause, String message, Optional<Duration> retryAfter) implements Answer {
    Failed(Cause cause, String message) {
      this(cause, message, Optional.empty());
    }
  }

  /** Why a request failed. */
  enum Cause {
    UNREACHABLE(Vital.OTLP_FAILED_UNREACHABLE, true),
    TLS(Vital.OTLP_FAILED_TLS, false),
    TIMEOUT(Vital.OTLP_FAILED_TIMEOUT, true),
    UNAVAILABLE(Vital.OTLP_FAILED_UNAVAILABLE, true),
    REFUSED(Vital.OTLP_FAILED_REFUSED, false),
    GARBAGE(Vital.OTLP_FAILED_GARBAGE, false);

    private final Vital vital;
    private final boolean passing;

    Cause(Vital vital, boolean passing) {
      this.vital = vital;
      this.passing = passing;
    }

    Vital vital() {
      return vital;
    }

    /** Whether the same request may succeed a moment later. */
    boolean isPassing() {
      return passing;
    }
  }
}
