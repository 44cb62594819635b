// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.opentelemetry.sdk.common.Clock;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The SDK takes the time of its first look at the clock for the start of every cumulative series,
 * and has no setting for it. Ours may have begun in an earlier process; a later start would tell a
 * receiver that the counters began at zero again.
 */
final class StartClock implements Clock {
  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  private final long startEpochNs;
  private final AtomicBoolean asked = new AtomicBoolean();

  StartClock(Instant start) {
    startEpochNs = start.getEpochSecond() * NANOS_PER_SECOND + start.getNano();
  }

  @Override
  public long now() {
    return asked.compareAndSet(false, true) ? startEpochNs : Clock.getDefault().now();
  }

  @Override
  public long nanoTime() {
    return Clock.getDefault().nanoTime();
  }
}
