// SPDX-License-Identifier: Apache-2.0
package io.meshlens.vitals;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class VitalTest {
  private static Map<String, List<Vital>> byMetric() {
    return Arrays.stream(Vital.values()).collect(Collectors.groupingBy(Vital::metric));
  }

  @ParameterizedTest
  @EnumSource
  void metricNameIsOurs(Vital vital) {
    assertThat(vital.metric()).matches("meshlens\\.[a-z._]*[a-z]");
  }

  @Test
  void metricHasOneUnit() {
    byMetric()
        .forEach(
            (metric, vitals) ->
                assertThat(vitals.stream().map(Vital::unit).distinct()).as(metric).hasSize(1));
  }

  @Test
  void onlyTheFirstConstantOfAMetricHasHelp() {
    byMetric()
        .forEach(
            (metric, vitals) -> {
              assertThat(vitals.getFirst().help()).as(metric).endsWith(".");
              assertThat(vitals.subList(1, vitals.size()))
                  .extracting(Vital::help)
                  .as(metric)
                  .allMatch(String::isEmpty);
            });
  }

  @Test
  void constantsOfAMetricAreToldApartByCause() {
    byMetric()
        .forEach(
            (metric, vitals) -> {
              assertThat(vitals).extracting(Vital::cause).as(metric).doesNotHaveDuplicates();
              if (vitals.size() > 1) {
                assertThat(vitals).extracting(Vital::cause).as(metric).doesNotContain("");
              }
            });
  }

  @Test
  void countersAreIndependent() {
    Vitals vitals = new Vitals();
    vitals.add(Vital.RECORDS_READ, 7);
    vitals.increment(Vital.RECORDS_READ);
    vitals.increment(Vital.SUMS_READ_FAILED);

    assertThat(vitals.get(Vital.RECORDS_READ)).isEqualTo(8);
    assertThat(vitals.get(Vital.SUMS_READ_FAILED)).isEqualTo(1);
    assertThat(vitals.get(Vital.LOG_LINES_WRITTEN)).isZero();
  }

  @Test
  void mirroredCounterHasTheTotalAndNotTheSum() {
    Vitals vitals = new Vitals();
    vitals.mirror(Vital.SUMS_FOLDED, 5);
    vitals.mirror(Vital.SUMS_FOLDED, 9);

    assertThat(vitals.get(Vital.SUMS_FOLDED)).isEqualTo(9);
  }
}
