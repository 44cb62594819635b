// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import java.time.Duration;

/**
 * How UDP is watched.
 *
 * @param maxFlows how many flows, and how many sockets, may be tracked at a time
 * @param idleTimeout how long nothing is sent or received before a flow is over
 */
public record UdpConfig(int maxFlows, Duration idleTimeout) {
  /** A power of two, because a flow finds its slot by the low bits of a hash. */
  public int slots() {
    return Integer.highestOneBit(maxFlows);
  }
}
