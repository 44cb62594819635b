// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.kernel.Feature.Answer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class FeatureProbeTest {
  @ParameterizedTest
  @CsvSource({
    "5.10.0-28-amd64, YES",
    "5.10, YES",
    "5.9.16, NO",
    "4.19.0-26-amd64, NO",
    "4.20.1, NO",
    "6.1.0, YES",
    "6.18.5+deb13-amd64, YES",
    "10.0.0, YES",
    "'', UNKNOWN",
    "unknown, UNKNOWN",
    "6, UNKNOWN"
  })
  void versionIsComparedAsNumbers(String version, Answer expected) {
    assertThat(FeatureProbe.versionAnswer(version)).isEqualTo(expected);
  }

  @Test
  void versionOfAbsurdNumbersIsUnknown() {
    assertThat(FeatureProbe.versionAnswer("99999999999.1")).isEqualTo(Answer.UNKNOWN);
  }

  @Test
  void effectiveCapabilitiesAreReadAmongTheOthers() {
    assertThat(
            FeatureProbe.effectiveCapabilities(
                List.of(
                    "Name:\tjava",
                    "CapInh:\t0000000000000000",
                    "CapPrm:\t000001ffffffffff",
                    "CapEff:\t000000c000001000",
                    "CapBnd:\t000001ffffffffff")))
        .isEqualTo(1L << 39 | 1L << 38 | 1L << 12);
  }

  @Test
  void allSixtyFourBitsAreRead() {
    assertThat(FeatureProbe.effectiveCapabilities(List.of("CapEff:\tffffffffffffffff")))
        .isEqualTo(-1L);
  }

  @Test
  void statusWithoutTheLineHoldsNoCapability() {
    assertThat(FeatureProbe.effectiveCapabilities(List.of("Name:\tjava"))).isZero();
  }

  @Test
  void requiredFeatureIsMissingOnlyWhenTheAnswerIsNo() {
    assertThat(feature(true, Answer.NO).isMissing()).isTrue();
    assertThat(feature(true, Answer.UNKNOWN).isMissing()).isFalse();
    assertThat(feature(true, Answer.YES).isMissing()).isFalse();
  }

  @Test
  void optionalFeatureIsNeverMissing() {
    assertThat(feature(false, Answer.NO).isMissing()).isFalse();
  }

  private static Feature feature(boolean required, Answer answer) {
    return new Feature("f", "everything", required, answer, "", "");
  }
}
