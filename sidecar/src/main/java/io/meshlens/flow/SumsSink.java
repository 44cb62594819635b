// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

/** Takes the kernel's sums, row by row. */
@FunctionalInterface
public interface SumsSink {
  /** One row, valid until the call returns. */
  void row(SumsRow row);
}
