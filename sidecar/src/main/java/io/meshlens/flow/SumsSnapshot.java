// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

import java.util.Map;

/**
 * The kernel's sums at one moment.
 *
 * @param byPair one entry for each address pair, server port, direction and error
 * @param overflow what found no room in the kernel's map, by direction; with it the totals are true
 * @param udpByPair the same of UDP; server port 0: one that nobody chose
 * @param udpOverflow the same of UDP
 */
public record SumsSnapshot(
    Map<AddressPair, Sums> byPair,
    Map<Direction, Sums> overflow,
    Map<AddressPair, Sums> udpByPair,
    Map<Direction, Sums> udpOverflow) {
  public static final SumsSnapshot EMPTY = new SumsSnapshot(Map.of(), Map.of());

  public SumsSnapshot {
    byPair = Map.copyOf(byPair);
    overflow = Map.copyOf(overflow);
    udpByPair = Map.copyOf(udpByPair);
    udpOverflow = Map.copyOf(udpOverflow);
  }

  /** Without UDP. */
  public SumsSnapshot(Map<AddressPair, Sums> byPair, Map<Direction, Sums> overflow) {
    this(byPair, overflow, Map.of(), Map.of());
  }

  /** These sums, and of UDP those of another reading. */
  public SumsSnapshot withUdp(SumsSnapshot udp) {
    return new SumsSnapshot(byPair, overflow, udp.byPair, udp.overflow);
  }
}
