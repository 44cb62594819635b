// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

/** Where the kernel's sums are read. */
@FunctionalInterface
public interface SumsSource {
  /** Hands over every row as it is now; may throw, after some rows or none. */
  void read(SumsSink sink);
}
