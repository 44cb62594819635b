// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import java.util.Arrays;

/**
 * Numbers that are kept for every series or row, most of them small: seven bits in a byte, those of
 * least weight first; a byte below zero is not a number's last. What is missing at the end is 0.
 */
final class PackedNumbers {
  /** All are 0. */
  static final byte[] ZEROES = {};

  /** Objects are padded to it anyway. */
  private static final int GRANULE_BYTES = 8;

  private PackedNumbers() {}

  /**
   * Packs numbers into the array that held them before, if they fit.
   *
   * @return the array that holds them now
   */
  static byte[] pack(long[] numbers, byte[] before) {
    int length = 0;
    for (long number : numbers) {
      length += lengthBytes(number);
    }
    byte[] packed =
        length <= before.length
            ? before
            : new byte[(length + GRANULE_BYTES - 1) / GRANULE_BYTES * GRANULE_BYTES];
    int at = 0;
    for (long number : numbers) {
      long rest = number;
      for (; (rest & ~0x7fL) != 0; rest >>>= 7) {
        packed[at++] = (byte) (rest | 0x80);
      }
      packed[at++] = (byte) rest;
    }
    Arrays.fill(packed, at, packed.length, (byte) 0);
    return packed;
  }

  private static int lengthBytes(long number) {
    // 7 bits in each byte, at least one byte.
    return (63 - Long.numberOfLeadingZeros(number | 1)) / 7 + 1;
  }

  /** Sets each number to what it was when it was packed. */
  static void unpack(byte[] packed, long[] numbers) {
    int at = 0;
    for (int i = 0; i < numbers.length; i++) {
      long number = 0;
      if (at < packed.length) {
        byte next = packed[at++];
        number = next & 0x7f;
        for (int shift = 7; next < 0; shift += 7) {
          next = packed[at++];
          number |= (next & 0x7fL) << shift;
        }
      }
      numbers[i] = number;
    }
  }
}
