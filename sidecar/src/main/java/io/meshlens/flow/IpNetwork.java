// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

import com.google.common.net.InetAddresses;

/**
 * A network in CIDR notation, in the 16-byte form of addresses.
 *
 * @param base its first address
 * @param bits length of the prefix, of 128 also for IPv4
 * @param isIpv6 whether it is one of IPv6, which has no IPv4-mapped address
 */
public record IpNetwork(Address base, int bits, boolean isIpv6) {
  private static final int IPV4_PREFIX_BITS = 96;

  /**
   * Reads {@code 10.0.0.0/8}, {@code fd00::/8}, or a single address.
   *
   * @throws IllegalArgumentException saying what is wrong
   */
  public static IpNetwork of(String text) {
    int slash = text.indexOf('/');
    String address = slash < 0 ? text : text.substring(0, slash);
    if (!InetAddresses.isInetAddress(address) || address.contains("%")) {
      throw new IllegalArgumentException("expected an address such as 10.0.0.0/8 or fd00::/8");
    }
    Address given = Address.of(InetAddresses.forString(address));
    boolean isIpv6 = !Address.isIpv4(given.high(), given.low());
    if (!isIpv6 && address.contains(":")) {
      throw new IllegalArgumentException("expected IPv4 as " + given.text());
    }
    int most = isIpv6 ? 128 : 32;
    int bits = slash < 0 ? most : bits(text.substring(slash + 1), most);
    int mapped = isIpv6 ? bits : bits + IPV4_PREFIX_BITS;
    Address base = and(given, mapped);
    if (!base.equals(given)) {
      throw new IllegalArgumentException(
          "has bits behind its prefix; the network is " + base.text() + "/" + bits);
    }
    return new IpNetwork(base, mapped, isIpv6);
  }

  private static int bits(String text, int most) {
    if (!text.matches("\\d{1,3}") || Integer.parseInt(text) > most) {
      throw new IllegalArgumentException("expected a prefix length from 0 to " + most);
    }
    return Integer.parseInt(text);
  }

  private static Address and(Address address, int bits) {
    return new Address(address.high() & maskWord(0, bits), address.low() & maskWord(1, bits));
  }

  /** Half 0 or 1 of the mask. */
  public long maskWord(int index) {
    return maskWord(index, bits);
  }

  private static long maskWord(int index, int bits) {
    int own = Math.clamp(bits - 64L * index, 0, 64);
    return own == 0 ? 0 : -1L << (64 - own);
  }

  @Override
  public String toString() {
    return base.text() + "/" + (isIpv6 ? bits : bits - IPV4_PREFIX_BITS);
  }
}
