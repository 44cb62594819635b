// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

final class PackedNumbersTest {
  private static long[] unpacked(byte[] packed, int count) {
    long[] numbers = new long[count];
    PackedNumbers.unpack(packed, numbers);
    return numbers;
  }

  @Test
  void everyNumberComesBackWhateverTheArrayHeldBefore() {
    Random random = new Random(5);
    byte[] packed = PackedNumbers.ZEROES;
    for (int i = 0; i < 100_000; i++) {
      long[] numbers =
          random.longs(1 + random.nextInt(9)).map(n -> n >> random.nextInt(64)).toArray();
      packed = PackedNumbers.pack(numbers, packed);
      assertThat(unpacked(packed, numbers.length)).isEqualTo(numbers);
    }
  }

  @Test
  void numbersThatWereNotPackedAreZero() {
    byte[] packed = PackedNumbers.pack(new long[] {-1, 2, Long.MAX_VALUE}, PackedNumbers.ZEROES);
    packed = PackedNumbers.pack(new long[] {300, Long.MIN_VALUE}, packed);

    assertThat(unpacked(packed, 5)).containsExactly(300, Long.MIN_VALUE, 0, 0, 0);
    assertThat(unpacked(PackedNumbers.ZEROES, 2)).containsExactly(0, 0);
  }

  @Test
  void numbersThatFitStayInTheirArray() {
    byte[] packed = PackedNumbers.pack(new long[] {1, 127, 5_000}, PackedNumbers.ZEROES);

    assertThat(packed).hasSize(8);
    assertThat(PackedNumbers.pack(new long[] {2, 128, 70_000}, packed)).isSameAs(packed);
    assertThat(PackedNumbers.pack(new long[] {Long.MAX_VALUE, 1, 1}, packed)).hasSize(16);
  }
}
