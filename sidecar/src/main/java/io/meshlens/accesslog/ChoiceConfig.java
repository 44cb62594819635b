// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import java.time.Duration;
import java.util.Optional;

/**
 * Which records a log gets; may change while it runs.
 *
 * @param filter an expression without problems; empty for all
 * @param samplingRatio of connections, 0 to 1
 * @param rateLimitPerSecond records per second for each pair of workloads; empty for no limit
 * @param keepConnectOver connections that took longer to be established are neither sampled nor
 *     limited
 * @param keepDurationOver the same for those that lasted longer
 */
public record ChoiceConfig(
    String filter,
    double samplingRatio,
    Optional<Integer> rateLimitPerSecond,
    Errors errors,
    Optional<Duration> keepConnectOver,
    Optional<Duration> keepDurationOver) {
  /** What becomes of connections that failed or broke. */
  public enum Errors {
    /** They are neither sampled nor limited. */
    KEPT,
    /** They are as any other. */
    CHOSEN
  }

  /** Every record. */
  public static final ChoiceConfig ALL =
      new ChoiceConfig("", 1, Optional.empty(), Errors.KEPT, Optional.empty(), Optional.empty());
}
