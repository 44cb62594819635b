// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich;

import io.meshlens.flow.Address;
import io.meshlens.flow.Identity;

/** Claims of a source that knows since when. Owned by: the source's thread. */
public interface TimedClaims extends AddressClaims {
  /**
   * Nobody else has it from then on.
   *
   * @param sinceEpochNs by the clock of whoever gave the address
   */
  void assign(Address address, Identity identity, long sinceEpochNs);
}
