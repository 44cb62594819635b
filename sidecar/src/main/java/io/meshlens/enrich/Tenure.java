// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich;

import io.meshlens.flow.Identity;
import org.jspecify.annotations.Nullable;

/**
 * Who had an address, from when to when.
 *
 * @param untilEpochNs {@link #OPEN} while it lasts
 * @param earlier who had it before, where that is still remembered
 */
record Tenure(Identity owner, long sinceEpochNs, long untilEpochNs, @Nullable Tenure earlier) {
  static final long OPEN = Long.MAX_VALUE;

  /** More than that are not kept of one address. */
  private static final int MAX_REMEMBERED = 4;

  boolean isOpen() {
    return untilEpochNs == OPEN;
  }

  Tenure endedAt(long epochNs) {
    return new Tenure(owner, sinceEpochNs, epochNs, earlier);
  }

  /** The same owner with more or other known of it. */
  Tenure ownedBy(Identity identity) {
    return new Tenure(identity, sinceEpochNs, untilEpochNs, earlier);
  }

  /** Somebody else after this one. */
  Tenure followedBy(Identity identity, long epochNs) {
    return new Tenure(identity, epochNs, OPEN, first(MAX_REMEMBERED - 1));
  }

  private Tenure first(int count) {
    if (count <= 1 || earlier == null) {
      return new Tenure(owner, sinceEpochNs, untilEpochNs, null);
    }
    return new Tenure(owner, sinceEpochNs, untilEpochNs, earlier.first(count - 1));
  }

  /** Without those that ended before a moment; null when nothing is left. */
  @Nullable Tenure without(long endedBeforeEpochNs) {
    if (untilEpochNs < endedBeforeEpochNs) {
      return null; // and so did all before it
    }
    return earlier == null
        ? this
        : new Tenure(owner, sinceEpochNs, untilEpochNs, earlier.without(endedBeforeEpochNs));
  }
}
