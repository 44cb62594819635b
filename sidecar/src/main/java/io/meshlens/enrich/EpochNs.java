// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich;

import java.time.Instant;
import java.util.concurrent.TimeUnit;

/** Wall-clock time as nanoseconds since the epoch, which last until the year 2262. */
public final class EpochNs {
  private EpochNs() {}

  public static long of(Instant instant) {
    return TimeUnit.SECONDS.toNanos(instant.getEpochSecond()) + instant.getNano();
  }
}
