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
   * @param rejected points or log records that it has not taken, and will not take when sent again
   * @param message its own words, if it had any
   */
  record Accepted(long rejected, String message) implements Answer {}

  /**
   * The receiver does not have it, as far as we know.
   *
   * @param retryAfter what the receiver asked for, but no longer than {@link #LONGEST_WAIT}
   */
  record Failed(Cause cause, String message, Optional<Duration> retryAfter) implements Answer {
    /** The longest that a receiver can make us wait by asking for it. */
    static final Duration LONGEST_WAIT = Duration.ofMinutes(5);

    public Failed {
      retryAfter = retryAfter.map(Failed::bounded);
    }

    Failed(Cause cause, String message) {
      this(cause, message, Optional.empty());
    }

    private static Duration bounded(Duration wait) {
      return wait.isNegative()
          ? Duration.ZERO
          : wait.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : wait;
    }
  }

  /** Why a request failed. */
  enum Cause {
    UNREACHABLE(Vital.OTLP_FAILED_UNREACHABLE, Vital.OTLP_LOGS_FAILED_UNREACHABLE),
    TLS(Vital.OTLP_FAILED_TLS, Vital.OTLP_LOGS_FAILED_TLS),
    TIMEOUT(Vital.OTLP_FAILED_TIMEOUT, Vital.OTLP_LOGS_FAILED_TIMEOUT),
    UNAVAILABLE(Vital.OTLP_FAILED_UNAVAILABLE, Vital.OTLP_LOGS_FAILED_UNAVAILABLE),
    REFUSED(Vital.OTLP_FAILED_REFUSED, Vital.OTLP_LOGS_FAILED_REFUSED),
    /** The receiver has read it and calls it wrong: that will never change. */
    INVALID(Vital.OTLP_FAILED_REFUSED, Vital.OTLP_LOGS_FAILED_REFUSED),
    GARBAGE(Vital.OTLP_FAILED_GARBAGE, Vital.OTLP_LOGS_FAILED_GARBAGE);

    private final Vital ofMetrics;
    private final Vital ofLogs;

    Cause(Vital ofMetrics, Vital ofLogs) {
      this.ofMetrics = ofMetrics;
      this.ofLogs = ofLogs;
    }

    Vital vital(OtlpSignal signal) {
      return switch (signal) {
        case METRICS -> ofMetrics;
        case LOGS -> ofLogs;
      };
    }

    /** Whether the same request may succeed a moment later. */
    boolean isPassing() {
      return switch (this) {
        case UNREACHABLE, TIMEOUT, UNAVAILABLE -> true;
        case TLS, REFUSED, INVALID, GARBAGE -> false;
      };
    }

    /** Whether another request may succeed where this one did not. */
    boolean isOfTheRequest() {
      return this == REFUSED || this == INVALID;
    }
  }
}
