// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Numbers as ASCII, without allocating. */
public final class Digits {
  private static final byte[] HEX =
      "0123456789abcdef".getBytes(java.nio.charset.StandardCharsets.US_ASCII);

  private static final VarHandle PAIR =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

  /** The two digits of 0 to 99, the first in the low byte. */
  private static final short[] PAIRS = new short[100];

  static {
    for (int i = 0; i < PAIRS.length; i++) {
      PAIRS[i] = (short) (('0' + i / 10) | (('0' + i % 10) << 8));
    }
  }

  private Digits() {}

  /** Decimal text of an unsigned 64-bit number; returns the index after it. */
  public static int write(long value, byte[] out, int at) {
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
    while (small >= 100) {
      int hundreds = small / 100;
      i -= 2;
      PAIR.set(out, i, PAIRS[small - hundreds * 100]);
      small = hundreds;
    }
    if (small >= 10) {
      PAIR.set(out, i - 2, PAIRS[small]);
    } else {
      out[i - 1] = (byte) ('0' + small);
    }
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
    int i = at + width;
    int rest = value;
    for (; i - at >= 2; rest /= 100) {
      i -= 2;
      PAIR.set(out, i, PAIRS[rest % 100]);
    }
    if (i > at) {
      out[at] = (byte) ('0' + rest % 10);
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
