// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SocketBoundTest {
  @Test
  void anEighthHasSlotsRoundedDownToAPowerOfTwo() {
    assertThat(new SocketBound(131_072).farSlots()).isEqualTo(16_384);
    assertThat(new SocketBound(131_071).farSlots()).isEqualTo(8_192);
  }

  @ParameterizedTest
  @ValueSource(ints = {2048, 2049, 4096, 100_000, 131_072, 1 << 22})
  void slotsAndOverflowAreTheBoundTogether(int maxSockets) {
    SocketBound bound = new SocketBound(maxSockets);
    assertThat(bound.slots() + bound.overflow()).isEqualTo(maxSockets);
    assertThat(bound.overflow()).isPositive();
  }
}
