// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.libbpf.KernelProbe.Answer;
import org.junit.jupiter.api.Test;

@RequiresBpf
class KernelProbeIT {
  @Test
  void whatTheOtherTestsUseIsSupported() {
    assertThat(KernelProbe.mapType(MapType.RINGBUF.kernelId())).isEqualTo(Answer.YES);
    assertThat(KernelProbe.mapType(MapType.SK_STORAGE.kernelId())).isEqualTo(Answer.YES);
    assertThat(KernelProbe.programType(ProgramType.SOCK_OPS.kernelId())).isEqualTo(Answer.YES);
    assertThat(helper(ProgramType.SOCK_OPS, Helper.RINGBUF_RESERVE)).isEqualTo(Answer.YES);
    assertThat(helper(ProgramType.SOCK_OPS, Helper.SK_STORAGE_GET)).isEqualTo(Answer.YES);
  }

  @Test
  void whatNoKernelHasIsNotSupported() {
    assertThat(KernelProbe.mapType(10_007)).isNotEqualTo(Answer.YES);
    assertThat(KernelProbe.programType(10_007)).isNotEqualTo(Answer.YES);
    assertThat(helper(ProgramType.SOCK_OPS, Helper.MSG_REDIRECT_HASH)).isEqualTo(Answer.NO);
  }

  @Test
  void whatDependsOnATargetIsNeverDenied() {
    assertThat(KernelProbe.programType(ProgramType.TRACING.kernelId())).isNotEqualTo(Answer.NO);
    assertThat(helper(ProgramType.TRACING, Helper.GET_CURRENT_TASK)).isEqualTo(Answer.UNKNOWN);
  }

  private static Answer helper(ProgramType type, Helper helper) {
    return KernelProbe.helper(type.kernelId(), helper.kernelId());
  }
}
