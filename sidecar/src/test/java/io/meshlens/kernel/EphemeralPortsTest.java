// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class EphemeralPortsTest {
  @Test
  void readsTheKernelsTwoNumbers() {
    assertThat(EphemeralPorts.parse("1024\t65535\n")).isEqualTo(new EphemeralPorts(1024, 65_535));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "1024", "a b", "1 2 3"})
  void whatCannotBeReadIsTheDefault(String text) {
    assertThat(EphemeralPorts.parse(text)).isEqualTo(EphemeralPorts.DEFAULT);
  }
}
