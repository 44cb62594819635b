// SPDX-License-Identifier: Apache-2.0
package io.meshlens.vitals;

import java.util.concurrent.atomic.AtomicLongArray;

/** The counters of {@link Vital}; safe for all threads. */
public final class Vitals {
  private final AtomicLongArray counts = new AtomicLongArray(Vital.values().length);

  public void add(Vital vital, long amount) {
    counts.getAndAdd(vital.ordinal(), amount);
  }

  public void increment(Vital vital) {
    add(vital, 1);
  }

  /** Sets a counter that is kept elsewhere (the kernel) and only mirrored here. */
  public void mirror(Vital vital, long total) {
    counts.set(vital.ordinal(), total);
  }

  public long get(Vital vital) {
    return counts.get(vital.ordinal());
  }
}
