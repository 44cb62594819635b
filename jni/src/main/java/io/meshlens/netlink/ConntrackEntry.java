// SPDX-License-Identifier: Apache-2.0
package io.meshlens.netlink;

/**
 * Owned by: the thread that has it filled. A connection as one network namespace tracks it, mutable
 * and reused.
 */
public final class ConntrackEntry {
  /** The first packet as it came, before any translation. */
  public final ConntrackTuple original = new ConntrackTuple();

  /** An answering packet as it comes, before any translation: from where the first one went to. */
  public final ConntrackTuple reply = new ConntrackTuple();

  /** Returns whether this namespace changes an address or a port. */
  public boolean isTranslated() {
    return !reply.isInverseOf(original);
  }
}
