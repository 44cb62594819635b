// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

/** Who addresses belong to. Safe for any thread; a look-up neither waits nor allocates. */
@FunctionalInterface
public interface Identities {
  /** Nobody is known. */
  Identities NONE = (high, low, epochNs) -> Identity.UNKNOWN;

  /**
   * Finds who had an address at a moment: a workload, or a service when it is a virtual address.
   *
   * @param high upper half of the 16 address bytes, IPv4 mapped, as in {@link Address}
   * @param low lower half
   * @param epochNs wall-clock time, nanoseconds since the epoch: an address may have had another
   *     owner then
   * @return {@link Identity#UNKNOWN} rather than a guess
   */
  Identity find(long high, long low, long epochNs);
}
