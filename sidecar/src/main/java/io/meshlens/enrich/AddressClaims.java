// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich;

import io.meshlens.flow.Address;
import io.meshlens.flow.Identity;

/** Where one source of identities says who has which address. Owned by: the source's thread. */
public interface AddressClaims {
  /** Nobody else has it from now on, as far as this source knows. */
  void assign(Address address, Identity identity);

  /** Nobody has it from now on; who had it is remembered for a while. */
  void withdraw(Address address);

  /** Makes all that was said since the last commit visible to readers, at once. */
  void commit();
}
