// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

/** Writes addresses as ASCII without allocating: the log formats one or two for each record. */
public final class AddressText {
  /** The longest text: eight groups of four digits and seven colons. */
  public static final int MAX_LENGTH = 39;

  private static final byte[] HEX = {
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'
  };

  /** The digits of 0 to 255, the first in the lowest byte. */
  private static final int[] OCTETS = new int[256];

  static {
    for (int i = 0; i < OCTETS.length; i++) {
      String text = Integer.toString(i);
      for (int at = 0; at < text.length(); at++) {
        OCTETS[i] |= text.charAt(at) << (8 * at);
      }
    }
  }

  private AddressText() {}

  /**
   * Writes the text of an address, dotted quad for IPv4-mapped ones and RFC 5952 for all others.
   *
   * @return the index after the last byte written
   */
  public static int write(long high, long low, byte[] out, int at) {
    if (Address.isIpv4(high, low)) {
      return writeIpv4((int) low, out, at);
    }
    return writeIpv6(high, low, out, at);
  }

  private static int writeIpv4(int ipv4, byte[] out, int at) {
    at = writeOctet(ipv4 >>> 24, out, at);
    out[at++] = '.';
    at = writeOctet(ipv4 >>> 16 & 0xff, out, at);
    out[at++] = '.';
    at = writeOctet(ipv4 >>> 8 & 0xff, out, at);
    out[at++] = '.';
    return writeOctet(ipv4 & 0xff, out, at);
  }

  private static int writeOctet(int octet, byte[] out, int at) {
    int text = OCTETS[octet];
    out[at++] = (byte) text;
    if (octet >= 10) {
      out[at++] = (byte) (text >>> 8);
    }
    if (octet >= 100) {
      out[at++] = (byte) (text >>> 16);
    }
    return at;
  }

  private static int group(long high, long low, int index) {
    long half = index < 4 ? high : low;
    return (int) (half >>> (48 - 16 * (index & 3))) & 0xffff;
  }

  private static int writeIpv6(long high, long low, byte[] out, int at) {
    // The first longest run of two or more zero groups becomes "::" (RFC 5952, 4.2).
    int bestStart = -1;
    int bestLength = 1;
    for (int i = 0; i < 8; ) {
      int start = i;
      while (i < 8 && group(high, low, i) == 0) {
        i++;
      }
      if (i - start > bestLength) {
        bestStart = start;
        bestLength = i - start;
      }
      i = Math.max(i, start + 1);
    }
    boolean needsColon = false;
    for (int i = 0; i < 8; ) {
      if (i == bestStart) {
        out[at++] = ':';
        out[at++] = ':';
        needsColon = false;
        i += bestLength;
        continue;
      }
      if (needsColon) {
        out[at++] = ':';
      }
      at = writeGroup(group(high, low, i), out, at);
      needsColon = true;
      i++;
    }
    return at;
  }

  private static int writeGroup(int group, byte[] out, int at) {
    boolean started = false;
    for (int shift = 12; shift >= 0; shift -= 4) {
      int digit = group >>> shift & 0xf;
      if (digit != 0 || started || shift == 0) {
        out[at++] = HEX[digit];
        started = true;
      }
    }
    return at;
  }
}
