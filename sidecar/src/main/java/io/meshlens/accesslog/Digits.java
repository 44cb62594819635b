// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

/** Numbers as ASCII, without allocating. */
final class Digits {
  private static final byte[] HEX =
      "0123456789abcdef".getBytes(java.nio.charset.StandardCharsets.US_ASCII);

  private Digits() {}

  /** Decimal text of an unsigned 64-bit number; returns the index after it. */
  static int write(long value, byte[] out, int at) {
    if (value < 0) {
      long tens = Long.divideUnsigned(value, 10);
      at = write(tens, out, at);
      out[at] = (byte) ('0' + (value - tens * 10));
      return at + 1;
    }
    int end = at + length(value);
    int i = end;
    long rest = value;
    while (rest > Integer.MAX_VALUE) {
      long tens = rest / 10;
      out[--i] = (byte) ('0' + (rest - tens * 10));
      rest = tens;
    }
    int small = (int) rest;
    do {
      int tens = small / 10;
      out[--i] = (byte) ('0' + (small - tens * 10));
      small = tens;
    } while (small != 0);
    return end;
  }

  private static int length(long value) {
    int length = 1;
    for (long limit = 10; length < 19 && value >= limit; limit *= 10) {
      length++;
    }
    return length;
  }

  /** Exactly {@code width} digits, zeros first. */
  static int writePadded(int value, int width, byte[] out, int at) {
    for (int i = at + width - 1; i >= at; i--) {
      out[i] = (byte) ('0' + value % 10);
      value /= 10;
    }
    return at + width;
  }

  /** Lower-case hexadecimal without leading zeros. */
  static int writeHex(long value, byte[] out, int at) {
    int digits = Math.max(1, (64 - Long.numberOfLeadingZeros(value) + 3) / 4);
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
      out[at++] = HEX[(int) (value >>> shift) & 0xf];
    }
    return at;
  }
}
