// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich;

import io.meshlens.flow.Identity;
import org.jspecify.annotations.Nullable;

/** What one source knows. {@link #find} is safe for any thread, and neither waits nor allocates. */
interface AddressTable {
  /** Null when this source does not know. */
  @Nullable Identity find(long high, long low, long epochNs);
}
