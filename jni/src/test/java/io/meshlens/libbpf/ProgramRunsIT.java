// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

@RequiresBpf
class ProgramRunsIT {
  /** BPF_ENABLE_STATS holds until its descriptor is closed, so until the end of this command. */
  private static final String COUNT =
      """
      import ctypes, platform, sys
      number = {"x86_64": 321, "aarch64": 280}[platform.machine()]
      attributes = ctypes.create_string_buffer(128)
      assert ctypes.CDLL(None).syscall(number, 32, attributes, 4) >= 0
      print("counting", flush=True)
      sys.stdin.readline()
      """;

  @Test
  void runsAreCountedOneByOneWhileTheKernelIsToldTo() throws Exception {
    try (BpfObject object = Exercise.loaded();
        ChildProcess counting = new ChildProcess("python3", "-c", COUNT)) {
      assertThat(counting.readLine()).isEqualTo("counting");
      ProgramRuns before = object.programRuns("produce");
      for (int i = 0; i < 5; i++) {
        Exercise.produce(object, i, 1, 0);
      }
      ProgramRuns after = object.programRuns("produce");

      assertThat(after.runs() - before.runs()).isEqualTo(5);
      assertThat(after.runTimeNs()).isGreaterThan(before.runTimeNs());
    }
  }

  @Test
  void programThatWasLeftOutOrIsNotThereHasNoRuns() {
    try (BpfObject object = BpfObject.open(Exercise.ELF)) {
      object.setMaxEntries("records", 256 * 1024);
      object.disable("produce");
      object.load();

      assertThatThrownBy(() -> object.programRuns("produce"))
          .isInstanceOf(BpfException.class)
          .hasMessageStartingWith("read the run time of produce: ");
      assertThatThrownBy(() -> object.programRuns("nobody"))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
