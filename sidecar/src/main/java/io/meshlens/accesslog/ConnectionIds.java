// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.meshlens.flow.Connection;

/**
 * The identity of a connection: the same in every record of it, unique on the node over time.
 *
 * <p>Boot id prefix, socket cookie in hexadecimal, and for a socket that had connections before,
 * their number: {@code 1f0c2a9b-4d2}, {@code 1f0c2a9b-4d2.1}.
 */
public final class ConnectionIds {
  /** Longest text after the prefix: 16 digits, dot, 20 digits. */
  static final int MAX_SUFFIX_BYTES = 38;

  /** Longest text in all. */
  public static final int MAX_BYTES = 9 + MAX_SUFFIX_BYTES;

  private final byte[] prefix;

  /**
   * @param bootId any text that differs between boots and nodes; its first eight characters count
   */
  public ConnectionIds(String bootId) {
    prefix = (bootId.substring(0, Math.min(8, bootId.length())) + "-").getBytes(US_ASCII);
  }

  public String text(Connection c) {
    byte[] out = new byte[prefix.length + MAX_SUFFIX_BYTES];
    return new String(out, 0, write(c, out, 0), US_ASCII);
  }

  /** Writes the identity as ASCII, up to {@link #MAX_BYTES}; returns the index after it. */
  public int write(Connection c, byte[] out, int at) {
    System.arraycopy(prefix, 0, out, at, prefix.length);
    at = Digits.writeHex(c.socketCookie, out, at + prefix.length);
    if (c.incarnation != 0) {
      out[at++] = '.';
      at = Digits.write(c.incarnation, out, at);
    }
    return at;
  }
}
