// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

import java.net.InetAddress;
import java.net.UnknownHostException;

/**
 * An IP address as two big-endian halves of its 16-byte form; IPv4 is IPv4-mapped, {@code
 * ::ffff:a.b.c.d} (RFC 4291, 2.5.5.2), and shown as IPv4.
 *
 * @param high bytes 0 to 7
 * @param low bytes 8 to 15
 */
public record Address(long high, long low) {
  private static final long MAPPED_PREFIX = 0x0000_ffff_0000_0000L;
  private static final long IPV4_MASK = 0xffff_ffffL;

  /** The 16-byte form of an address literal's bytes. */
  public static Address of(InetAddress address) {
    byte[] bytes = address.getAddress();
    if (bytes.length == 4) {
      long ipv4 = 0;
      for (byte b : bytes) {
        ipv4 = ipv4 << 8 | (b & 0xff);
      }
      return new Address(0, MAPPED_PREFIX | ipv4);
    }
    long high = 0;
    long low = 0;
    for (int i = 0; i < 8; i++) {
      high = high << 8 | (bytes[i] & 0xff);
      low = low << 8 | (bytes[i + 8] & 0xff);
    }
    return new Address(high, low);
  }

  public static boolean isIpv4(long high, long low) {
    return high == 0 && (low & ~IPV4_MASK) == MAPPED_PREFIX;
  }

  /** Whether it is {@code ::}, which is no host's. */
  public boolean isUnspecified() {
    return high == 0 && low == 0;
  }

  /** Dotted quad for IPv4, RFC 5952 text for IPv6. */
  public String text() {
    byte[] out = new byte[AddressText.MAX_LENGTH];
    int length = AddressText.write(high, low, out, 0);
    return new String(out, 0, length, java.nio.charset.StandardCharsets.US_ASCII);
  }

  /** As the JDK's type: 4 bytes for IPv4, 16 for IPv6. */
  public InetAddress toInetAddress() {
    byte[] bytes;
    if (isIpv4(high, low)) {
      bytes = new byte[] {(byte) (low >>> 24), (byte) (low >>> 16), (byte) (low >>> 8), (byte) low};
    } else {
      bytes = new byte[16];
      for (int i = 0; i < 8; i++) {
        bytes[i] = (byte) (high >>> (56 - 8 * i));
        bytes[i + 8] = (byte) (low >>> (56 - 8 * i));
      }
    }
    try {
      return InetAddress.getByAddress(bytes);
    } catch (UnknownHostException e) {
      throw new IllegalStateException("an address of 4 or 16 bytes is always valid", e);
    }
  }

  @Override
  public String toString() {
    return text();
  }
}
