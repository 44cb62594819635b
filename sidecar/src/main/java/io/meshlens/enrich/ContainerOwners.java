// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich;

import io.meshlens.flow.Identity;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Who is in which container, for those whose address does not tell: pods in their node's network
 * namespace. Safe for any thread; {@link #find} allocates nothing.
 */
public final class ContainerOwners {
  private final ConcurrentHashMap<String, Identity> owners = new ConcurrentHashMap<>();

  /** {@link Identity#UNKNOWN} when nobody told. */
  Identity find(String containerId) {
    Identity found = owners.get(containerId);
    return found == null ? Identity.UNKNOWN : found;
  }

  public void put(String containerId, Identity identity) {
    owners.put(containerId, identity);
  }

  public void remove(String containerId) {
    owners.remove(containerId);
  }
}
