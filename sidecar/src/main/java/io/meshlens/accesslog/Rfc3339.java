// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import java.time.LocalDateTime;
import java.time.ZoneOffset;

/**
 * Writes UTC times as {@code 2026-11-21T00:45:53.123456789Z}. Remembers the text of the last
 * second, since records come thousands to the second.
 */
public final class Rfc3339 {
  /** Length of every text. */
  public static final int LENGTH_BYTES = 30;

  private static final long NANOS_PER_SECOND = 1_000_000_000L;
  private static final int SECOND_LENGTH = "2026-11-21T00:45:53.".length();

  private final byte[] secondText = new byte[SECOND_LENGTH];
  private long second = Long.MIN_VALUE;

  /** Returns the index after the text; years outside 0 to 9999 cannot come from a clock. */
  public int write(long epochNs, byte[] out, int at) {
    long epochSecond = Math.floorDiv(epochNs, NANOS_PER_SECOND);
    if (epochSecond != second) {
      remember(epochSecond);
    }
    System.arraycopy(secondText, 0, out, at, SECOND_LENGTH);
    int nanos = (int) Math.floorMod(epochNs, NANOS_PER_SECOND);
    at = Digits.writePadded(nanos, 9, out, at + SECOND_LENGTH);
    out[at] = 'Z';
    return at + 1;
  }

  private void remember(long epochSecond) {
    LocalDateTime t = LocalDateTime.ofEpochSecond(epochSecond, 0, ZoneOffset.UTC);
    int at = Digits.writePadded(t.getYear(), 4, secondText, 0);
    at = field('-', t.getMonthValue(), at);
    at = field('-', t.getDayOfMonth(), at);
    at = field('T', t.getHour(), at);
    at = field(':', t.getMinute(), at);
    at = field(':', t.getSecond(), at);
    secondText[at] = '.';
    second = epochSecond;
  }

  private int field(char separator, int value, int at) {
    secondText[at] = (byte) separator;
    return Digits.writePadded(value, 2, secondText, at + 1);
  }
}
