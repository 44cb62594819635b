// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich;

import io.meshlens.flow.Address;
import io.meshlens.flow.Identity;
import io.meshlens.flow.IpNetwork;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Names of networks; of several that hold an address, the one with the longest prefix. Immutable.
 */
final class NetworkTable implements AddressTable {
  static final NetworkTable EMPTY = new NetworkTable(Map.of());

  private static final class Length {
    final long highMask;
    final long lowMask;
    final AddressShard<Identity> names = new AddressShard<>();

    Length(IpNetwork network) {
      highMask = network.maskWord(0);
      lowMask = network.maskWord(1);
    }
  }

  private final Length[] longestFirst;

  NetworkTable(Map<IpNetwork, Identity> names) {
    // IPv4 prefixes are told apart from IPv6 ones by the mapped prefix, which all of them contain.
    Map<Integer, Length> lengths = new TreeMap<>(Comparator.reverseOrder());
    names.forEach(
        (network, identity) -> {
          Length length = lengths.computeIfAbsent(network.bits(), bits -> new Length(network));
          Address base = network.base();
          long hash = AddressShard.hash(base.high(), base.low());
          length.names.put(hash, base.high(), base.low(), identity);
        });
    longestFirst = lengths.values().toArray(new Length[0]);
  }

  @Override
  public @Nullable Identity find(long high, long low, long epochNs) {
    boolean isIpv4 = Address.isIpv4(high, low);
    for (Length length : longestFirst) {
      long maskedHigh = high & length.highMask;
      long maskedLow = low & length.lowMask;
      if (isIpv4 && maskedLow >>> 32 != low >>> 32) {
        break; // shorter than the mapped prefix: a network of IPv6, which holds no IPv4
      }
      Identity found =
          length.names.get(AddressShard.hash(maskedHigh, maskedLow), maskedHigh, maskedLow);
      if (found != null) {
        return found;
      }
    }
    return null;
  }
}
