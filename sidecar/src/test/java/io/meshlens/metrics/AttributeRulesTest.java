// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.metrics.AttributeRules.Rule;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class AttributeRulesTest {
  private static List<Rule> rules(String... texts) {
    return Stream.of(texts).map(Rule::new).toList();
  }

  @Test
  void excludedAttributesAreLeftOutOfTheMetricsThatARuleNames() {
    AttributeRules rules =
        new AttributeRules(List.of(), rules("mesh.tcp.packets:*.address", "*:destination.port"));

    assertThat(rules.keeps("mesh.tcp.packets", "source.address")).isFalse();
    assertThat(rules.keeps("mesh.tcp.io", "source.address")).isTrue();
    assertThat(rules.keeps("mesh.tcp.io", "destination.port")).isFalse();
  }

  @Test
  void onlyIncludedAttributesAreLeftWhereARuleIsForTheMetricAndExclusionWins() {
    AttributeRules rules =
        new AttributeRules(rules("mesh.tcp.io:*.k8s.*"), rules("*:source.k8s.pod.name"));

    assertThat(rules.keeps("mesh.tcp.io", "source.k8s.workload.name")).isTrue();
    assertThat(rules.keeps("mesh.tcp.io", "source.address")).isFalse();
    assertThat(rules.keeps("mesh.tcp.io", "source.k8s.pod.name")).isFalse();
    assertThat(rules.keeps("mesh.tcp.packets", "source.address")).isTrue();
  }

  @Test
  void theReporterStaysBecauseBothSidesCountTheSameBytes() {
    AttributeRules rules = new AttributeRules(rules("*:source.address"), rules("*:*"));

    assertThat(rules.keeps("mesh.tcp.io", "reporter")).isTrue();
  }

  @Test
  void metricsWithTheSameAttributesShareTheirSeries() {
    AttributeRules rules = new AttributeRules(List.of(), rules("mesh.tcp.packets:*.address"));

    // One more for UDP, whose network.transport is another.
    assertThat(Shape.group(MeshMetric.of(Profile.OTEL).stream(), rules)).hasSize(3);
    assertThat(Shape.group(MeshMetric.of(Profile.OTEL).stream(), AttributeRules.NONE)).hasSize(2);
    assertThat(Shape.group(MeshMetric.of(Profile.KMESH).stream(), AttributeRules.NONE)).hasSize(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "mesh.tcp.io", "a:b:c", ":x", "x:", "mesh tcp:io", "Mesh:x"})
  void whatIsNoRuleIsRefused(String text) {
    assertThat(AttributeRules.problems(text)).hasSize(1);
  }

  @Test
  void aRuleThatNamesNothingOfTheProfileIsAProblem() {
    AttributeRules rules =
        new AttributeRules(
            rules("mesh.tcp.io:source.address"),
            rules("mesh.tcp.io:source.adress", "istio_*:source_app", "*:reporter"));

    assertThat(rules.problems(Profile.OTEL))
        .hasSize(3)
        .first()
        .asString()
        .contains(
            "\"mesh.tcp.io:source.adress\" names no attribute of a metric of the profile otel");
    assertThat(rules.problems(Profile.ISTIO)).hasSize(3);
  }
}
