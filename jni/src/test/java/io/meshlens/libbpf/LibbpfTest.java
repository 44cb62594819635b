// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What needs the library and no privilege. */
class LibbpfTest {
  @BeforeAll
  static void load() {
    NativeLibrary.load();
  }

  @Test
  void theVersionIsAtLeastOneDotOne() {
    assertThat(Libbpf.version()).matches("v1\\.[1-9]\\d*.*");
  }

  @Test
  void thereAreAtLeastAsManyPossibleCpusAsUsableOnes() {
    assertThat(Libbpf.possibleCpus())
        .isGreaterThanOrEqualTo(Runtime.getRuntime().availableProcessors());
  }

  @Test
  void kernelIdsAreThoseOfTheKernelsHeaders() {
    assertThat(ProgramType.SOCK_OPS.kernelId()).isEqualTo(13);
    assertThat(MapType.RINGBUF.kernelId()).isEqualTo(27);
    assertThat(Helper.RINGBUF_RESERVE.kernelId()).isEqualTo(131);
    assertThat(Arrays.stream(ProgramType.values()).map(ProgramType::kernelId))
        .doesNotHaveDuplicates();
    assertThat(Arrays.stream(MapType.values()).map(MapType::kernelId)).doesNotHaveDuplicates();
    assertThat(Arrays.stream(Helper.values()).map(Helper::kernelId)).doesNotHaveDuplicates();
  }

  @Test
  void errorNumbersHaveNamesAndTexts() {
    assertThat(Errno.name(1)).isEqualTo("EPERM");
    assertThat(Errno.text(1)).isEqualTo("Operation not permitted");
    assertThat(Errno.name(524)).isEqualTo("ENOTSUPP");
    assertThat(Errno.name(4001)).isEqualTo("LIBBPF_ERRNO__FORMAT");
    assertThat(Errno.text(4001)).isEqualTo("BPF object format invalid");
    assertThat(Errno.name(3999)).isEqualTo("errno 3999");
    assertThat(Errno.name(99999)).isEqualTo("errno 99999");
    assertThat(Errno.text(-5)).isEqualTo("Unknown error");
  }

  @Test
  void anExceptionsMessageHasOperationNameTextAndTheEndOfTheLog() {
    String log = "first line\n" + "more\n".repeat(2_000) + "the reason\n";
    BpfException e = new BpfException("load x", 13, log);

    assertThat(e).hasMessageStartingWith("load x: EACCES (Permission denied)\n...\nmore\n");
    assertThat(e).hasMessageEndingWith("\nthe reason");
    assertThat(e.getMessage()).hasSizeLessThan(4_200);
    assertThat(e.log()).isEqualTo(log);
    assertThat(e.errno()).isEqualTo(13);
    assertThat(e.errnoName()).isEqualTo("EACCES");
    assertThat(e.operation()).isEqualTo("load x");
    assertThat(new BpfException("x", 2)).hasMessage("x: ENOENT (No such file or directory)");
  }
}
