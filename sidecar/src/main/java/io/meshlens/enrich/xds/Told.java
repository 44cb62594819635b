// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.xds;

import io.meshlens.flow.Address;
import io.meshlens.flow.Identity;
import java.util.List;

/** What a resource says, as far as it matters here. */
sealed interface Told {
  /** Who has the addresses; of a workload without its service. */
  Identity identity();

  /** Addresses in our network that are nobody else's. */
  List<Address> addresses();

  /** What cannot be an identity here. */
  Unclaimed unclaimed();

  /**
   * Addresses that are told and not claimed.
   *
   * @param foreign in other networks
   * @param shared of a node, which many workloads share
   * @param ambiguous that do not single out one host of the network: ranges, loopback, link-local
   */
  record Unclaimed(int foreign, int shared, int ambiguous) {
    static final Unclaimed NONE = new Unclaimed(0, 0, 0);

    static Unclaimed of(int foreign, int shared, int ambiguous) {
      return foreign + shared + ambiguous == 0 ? NONE : new Unclaimed(foreign, shared, ambiguous);
    }
  }

  /**
   * An endpoint.
   *
   * @param serviceKey NAMESPACE/HOSTNAME of its service if it has exactly one; else empty
   */
  record Workload(
      Identity identity, List<Address> addresses, Unclaimed unclaimed, String serviceKey)
      implements Told {}

  /**
   * A service and its virtual addresses.
   *
   * @param key NAMESPACE/HOSTNAME
   */
  record Service(Identity identity, List<Address> addresses, Unclaimed unclaimed, String key)
      implements Told {}
}
