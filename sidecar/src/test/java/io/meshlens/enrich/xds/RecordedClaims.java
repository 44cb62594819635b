// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.xds;

import io.meshlens.enrich.AddressClaims;
import io.meshlens.flow.Address;
import io.meshlens.flow.Identity;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** Not a directory: what was claimed, as of the last commit, and how often something was said. */
public final class RecordedClaims implements AddressClaims {
  private final Map<Address, Identity> said = new HashMap<>();
  private final AtomicLong changes = new AtomicLong();
  private volatile Map<String, Identity> committed = Map.of();

  @Override
  public void assign(Address address, Identity identity) {
    changes.incrementAndGet();
    said.put(address, identity);
  }

  @Override
  public void withdraw(Address address) {
    changes.incrementAndGet();
    if (said.remove(address) == null) {
      throw new AssertionError("nobody has " + address.text());
    }
  }

  @Override
  public void commit() {
    Map<String, Identity> owners = new HashMap<>();
    said.forEach((address, identity) -> owners.put(address.text(), identity));
    committed = Map.copyOf(owners);
  }

  /** By address in text form. */
  public Map<String, Identity> owners() {
    return committed;
  }

  /** Calls of assign and withdraw. */
  public long changes() {
    return changes.get();
  }
}
