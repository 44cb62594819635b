// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.libbpf.BpfException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MapRefusalTest {
  private static final int EPERM = 1;
  private static final int E2BIG = 7;
  private static final int ENOMEM = 12;

  private static BpfException failure(String map, int errno) {
    return new BpfException(
        "load",
        errno,
        "libbpf: map '%s': failed to create: text(-%d)\nlibbpf: failed to load object"
            .formatted(map, errno));
  }

  @ParameterizedTest
  @CsvSource({
    "records, kernel.ring_size",
    "sums, kernel.max_address_pairs",
    "sockets, kernel.max_sockets"
  })
  void namesTheMapAndTheKeyThatMakesItSmaller(String map, String key) {
    for (int errno : new int[] {ENOMEM, E2BIG}) {
      assertThat(MapRefusal.of(failure(map, errno)).orElseThrow())
          .hasMessageContaining("map " + map + " ")
          .hasMessageContaining("lower " + key);
    }
  }

  @Test
  void aMapWithoutAKeyNeedsMemory() {
    assertThat(MapRefusal.of(failure("listeners", ENOMEM)).orElseThrow().getMessage())
        .contains("map listeners")
        .doesNotContain("lower")
        .contains("raise the memory limit");
  }

  @Test
  void allElseIsNoMatterOfSize() {
    assertThat(MapRefusal.of(failure("sums", EPERM))).isEmpty();
    assertThat(MapRefusal.of(new BpfException("load", ENOMEM, "libbpf: something else"))).isEmpty();
  }
}
