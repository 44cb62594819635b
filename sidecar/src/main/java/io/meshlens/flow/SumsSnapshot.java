// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

import java.util.Map;

/**
 * The kernel's sums at one moment.
 *
 * @param byPair one entry for each address pair, server port, direction and error
 * @param overflow what found no room in the kernel's map, by direction; with it the totals are true
 */
public record SumsSnapshot(Map<AddressPair, Sums> byPair, Map<Direction, Sums> overflow) {
  public static final SumsSnapshot EMPTY = new SumsSnapshot(Map.of(), Map.of());

  public SumsSnapshot {
    byPair = Map.copyOf(byPair);
    overflow = Map.copyOf(overflow);
  }
}
