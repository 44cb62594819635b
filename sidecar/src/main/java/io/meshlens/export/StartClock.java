// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.opentelemetry.sdk.common.Clock;
import java.time.Instant;

/**
 * The SDK takes the time at which an instrument is made for the start of its cumulative series, and
 * has no setting for it. The kernel's sums may have begun in an earlier process; a later start
 * would tell a receiver that the counters began at zero again. So this clock stands at that start
 * until {@link #runOn}.
 */
final class StartClock implements Clock {
  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  private final long startEpochNs;
  private volatile boolean running;

  StartClock(Instant start) {
    startEpochNs = start.getEpochSecond() * NANOS_PER_SECOND + start.getNano();
  }

  /** From now on it tells the time. */
  void runOn() {
    running = true;
  }

  @Override
  public long now() {
    return running ? Clock.getDefault().now() : startEpochNs;
  }

  @Override
  public long nanoTime() {
    return Clock.getDefault().nanoTime();
  }
}
