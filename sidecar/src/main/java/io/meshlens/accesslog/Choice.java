// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import io.meshlens.accesslog.ChoiceConfig.Errors;
import io.meshlens.accesslog.RecordFilter.EvaluationFailed;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import java.time.Duration;
import java.util.Optional;

/**
 * Says of each record whether a log gets it: sampling first, because it costs nothing, then the
 * filter, and the limit last, so that no place in it goes to what is filtered. Owned by:
 * ring-reader.
 */
final class Choice {
  /** What becomes of a record. */
  enum Verdict {
    KEPT,
    /** Kept, because the filter has no value for it. */
    KEPT_IN_DOUBT,
    FILTERED,
    NOT_SAMPLED,
    LIMITED
  }

  private final Optional<RecordFilter> filter;
  private final Sample sample;
  private final Optional<PairLimit> limit;
  private final Errors errors;
  private final long keepConnectOverNs;
  private final long keepDurationOverNs;

  /** Compiles the filter, which takes a while; for the thread that wants another choice. */
  Choice(ChoiceConfig config, ConnectionIds ids) {
    filter =
        config.filter().isBlank()
            ? Optional.empty()
            : Optional.of(RecordFilter.of(config.filter(), ids));
    sample = new Sample(config.samplingRatio());
    limit = config.rateLimitPerSecond().map(PairLimit::new);
    errors = config.errors();
    keepConnectOverNs = nanosOr(config.keepConnectOver());
    keepDurationOverNs = nanosOr(config.keepDurationOver());
  }

  private static long nanosOr(Optional<Duration> duration) {
    return duration.map(Duration::toNanos).orElse(Long.MAX_VALUE);
  }

  Verdict judge(Connection c) {
    boolean everyOne = sample.isAll() && limit.isEmpty();
    boolean always = everyOne || isAlwaysKept(c);
    if (!always && !sample.has(c)) {
      return Verdict.NOT_SAMPLED;
    }
    Verdict verdict = Verdict.KEPT;
    if (filter.isPresent()) {
      try {
        if (!filter.get().accepts(c)) {
          return Verdict.FILTERED;
        }
      } catch (EvaluationFailed e) {
        verdict = Verdict.KEPT_IN_DOUBT;
      }
    }
    return always || limit.isEmpty() || limit.get().admits(c) ? verdict : Verdict.LIMITED;
  }

  private boolean isAlwaysKept(Connection c) {
    return (errors == Errors.KEPT && isError(c))
        || c.connectNs() > keepConnectOverNs
        || (!c.adopted && c.durationNs() > keepDurationOverNs);
  }

  /** Never established, or ended by something else than both sides' FIN; UDP has no errors. */
  private static boolean isError(Connection c) {
    return c.event == ConnectionEvent.FAILED
        || (c.event == ConnectionEvent.CLOSED
            && switch (c.termination) {
              case FIN_LOCAL, FIN_REMOTE, CLOSED, IDLE, NONE -> false;
              case RESET_LOCAL, RESET_REMOTE, TIMEOUT, REFUSED, UNREACHABLE, ABORTED, UNKNOWN ->
                  true;
            });
  }
}
