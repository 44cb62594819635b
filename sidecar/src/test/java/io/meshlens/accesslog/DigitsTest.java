// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class DigitsTest {
  private final byte[] out = new byte[32];

  /** All magnitudes, both sides of every power of two and of ten. */
  private static LongStream values() {
    Random random = new Random(5);
    LongStream randoms =
        LongStream.generate(() -> random.nextLong() >>> random.nextInt(64)).limit(20_000);
    LongStream twos =
        LongStream.range(0, 64).map(bit -> 1L << bit).flatMap(n -> LongStream.of(n - 1, n, n + 1));
    LongStream tens =
        LongStream.iterate(1, n -> n * 10).limit(20).flatMap(n -> LongStream.of(n - 1, n, n + 1));
    return LongStream.concat(randoms, LongStream.concat(twos, tens));
  }

  private String text(int end) {
    return new String(out, 3, end - 3, US_ASCII);
  }

  @Test
  void decimalTextIsThatOfTheJdk() {
    values()
        .forEach(
            value ->
                assertThat(text(Digits.write(value, out, 3)))
                    .isEqualTo(Long.toUnsignedString(value)));
  }

  @Test
  void hexadecimalTextIsThatOfTheJdk() {
    values()
        .forEach(
            value ->
                assertThat(text(Digits.writeHex(value, out, 3)))
                    .isEqualTo(Long.toHexString(value)));
  }

  @ParameterizedTest
  @CsvSource({"0, 2, 00", "7, 2, 07", "59, 2, 59", "2026, 4, 2026", "42, 9, 000000042"})
  void paddedTextHasItsWidth(int value, int width, String expected) {
    assertThat(text(Digits.writePadded(value, width, out, 3))).isEqualTo(expected);
  }
}
