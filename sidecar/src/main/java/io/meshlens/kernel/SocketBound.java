// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.wire.WireCodes;

/**
 * How the sockets that may be tracked are divided: an eighth has slots, allocated at load and cheap
 * for each connection; the others get memory when they need it (bpf/include/maps.bpf.h).
 *
 * @param maxSockets of all
 */
record SocketBound(int maxSockets) {
  private static final int SHARE_OF_SLOTS = 8;

  /** A power of two, because a socket finds its slot by the low bits of its cookie. */
  int farSlots() {
    return Integer.highestOneBit(maxSockets / SHARE_OF_SLOTS);
  }

  int slots() {
    return WireCodes.SOCKET_SLOTS_NEAR + farSlots();
  }

  int overflow() {
    return maxSockets - slots();
  }
}
