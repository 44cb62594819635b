// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.wire.WireCodes;
import java.time.Duration;

/**
 * How UDP is watched.
 *
 * @param maxFlows how many flows, and how many sockets, may be tracked at a time
 * @param idleTimeout how long nothing is sent or received before a flow is over
 */
public record UdpConfig(int maxFlows, Duration idleTimeout) {
  /** A power of two, because a flow finds its slot by the low bits of a hash. */
  int farSlots() {
    return Integer.highestOneBit(maxFlows - WireCodes.UDP_SLOTS_NEAR);
  }

  /** How many there really may be. */
  public int slots() {
    return WireCodes.UDP_SLOTS_NEAR + farSlots();
  }
}
