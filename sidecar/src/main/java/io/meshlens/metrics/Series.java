// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import io.meshlens.flow.Direction;
import io.meshlens.flow.Sum;
import java.util.Arrays;

/**
 * What was counted under one label set. Numbers only grow, but for the open connections. Safe for
 * any thread.
 */
public final class Series extends Labelled {
  /** No errno: the error of these failures was not kept, because they found no room. */
  static final int ANY_ERROR = -1;

  // Guarded by this.
  private final long[] values = new long[Counts.SLOTS];
  private int[] errors = Counts.NO_ERRORS;
  private long[] failures = Counts.NO_FAILURES;

  // Guarded by the store's lock.
  long changedEpochNs;
  long changedMonoNs;
  boolean dropped;

  Series(LabelSet labels, long startEpochNs) {
    super(labels, startEpochNs);
  }

  public Direction reporter() {
    return labels().reporter();
  }

  /**
   * Adds numbers.
   *
   * @param active connections that were opened, or when negative, closed
   */
  synchronized void add(long[] sums, int error, long active) {
    for (int i = 0; i < Sum.COUNT; i++) {
      values[i] += sums[i];
    }
    values[Counts.ACTIVE] += active;
    long failed = sums[Sum.CONNECTIONS_FAILED.ordinal()];
    if (failed != 0) {
      addFailures(error, failed);
    }
  }

  private void addFailures(int error, long failed) {
    int at = 0;
    while (at < errors.length && errors[at] != error) {
      at++;
    }
    if (at == errors.length) {
      errors = Arrays.copyOf(errors, at + 1);
      failures = Arrays.copyOf(failures, at + 1);
      errors[at] = error;
    }
    failures[at] += failed;
  }

  /** Connections that were opened, or when negative, closed, as far as this series knows. */
  synchronized void addActive(long connections) {
    values[Counts.ACTIVE] += connections;
  }

  /** All numbers of one moment. */
  public synchronized Counts counts() {
    return new Counts(values.clone(), errors, failures.length == 0 ? failures : failures.clone());
  }

  synchronized boolean hasActive() {
    return values[Counts.ACTIVE] != 0;
  }
}
