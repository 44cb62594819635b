// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import io.meshlens.flow.Identity;

/** Something that says an address is its own. */
interface Claimant {
  /** The first that claims an address has it. */
  enum Rank {
    POD,
    CLUSTER_IP,
    NODE,
    /** Load balancers and external IPs, which are often a node's or shared. */
    OUTSIDE_IP
  }

  Rank rank();

  Identity identity();

  long sinceEpochNs();

  /** One that does not change. */
  record Fixed(Rank rank, Identity identity, long sinceEpochNs) implements Claimant {}
}
