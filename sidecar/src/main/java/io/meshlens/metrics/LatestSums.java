// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import io.meshlens.flow.SumsSnapshot;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.util.function.Supplier;

/** The newest sums that could be read. Safe for any thread. */
public final class LatestSums {
  private final Supplier<SumsSnapshot> reader;
  private final Vitals vitals;
  private final Log log;
  private volatile SumsSnapshot last = SumsSnapshot.EMPTY;

  /**
   * @param reader reads the sums from the kernel; may throw
   */
  public LatestSums(Supplier<SumsSnapshot> reader, Vitals vitals, Log log) {
    this.reader = reader;
    this.vitals = vitals;
    this.log = log;
  }

  /** Reads now; when that fails, the last good sums, and the failure is counted. */
  public SumsSnapshot get() {
    try {
      last = reader.get();
    } catch (RuntimeException e) {
      vitals.increment(Vital.SUMS_READ_FAILED);
      log.warnRepeated("sums", "cannot read the kernel's sums, keeping the last ones: " + e);
    }
    return last;
  }
}
