// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.metrics.MeshMetric;
import io.meshlens.metrics.Profile;
import io.meshlens.vitals.SelfMetric;
import io.meshlens.vitals.Vital;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * docs/reference/metrics.md is made of the definitions; MetricsReferenceIT compares it with life.
 */
final class MetricsReferenceTest {
  private static final Path PAGE = Path.of("../docs/reference/metrics.md");

  @Test
  void referenceIsUpToDate() throws IOException {
    StringBuilder page = new StringBuilder();
    page.append("# Metrics\n\n")
        .append("Names and units are OpenTelemetry's. In Prometheus text dots become underscores,")
        .append(" the unit is appended\n")
        .append("where it is not in braces (`seconds` for `s`, `bytes` for `By`), counters end in")
        .append(" `_total`, and a gauge\n")
        .append("has a plural in place of `_count`, which Prometheus keeps for histograms.\n\n");
    connections(page);
    counters(page);
    others(page);

    if (Boolean.getBoolean("golden.update")) {
      Files.writeString(PAGE, page);
    }
    assertThat(PAGE).as("rewrite with -Dgolden.update=true").content().isEqualTo(page.toString());
  }

  private static void connections(StringBuilder page) {
    page.append("## Connections\n\n")
        .append("With `metrics.profile=otel`. Their attributes, and the other profiles:")
        .append(" [metrics.md](../metrics.md).\n\n")
        .append("| name | kind | unit | meaning |\n|---|---|---|---|\n");
    for (MeshMetric metric : MeshMetric.of(Profile.OTEL)) {
      row(page, code(metric.metricName()), kind(metric), code(metric.unit()), metric.help());
    }
    page.append("\n## Connections in other profiles\n\n")
        .append("| profile | name | kind | unit | meaning |\n|---|---|---|---|---|\n");
    for (MeshMetric metric : MeshMetric.values()) {
      if (metric.profile() != Profile.OTEL) {
        row(
            page,
            metric.profile().label(),
            code(metric.metricName()),
            kind(metric),
            code(metric.unit()),
            metric.help());
      }
    }
  }

  private static String kind(MeshMetric metric) {
    return switch (metric.kind()) {
      case COUNTER -> "counter";
      case UP_DOWN_COUNTER -> "up-down counter";
      case HISTOGRAM -> "histogram";
    };
  }

  private static void counters(StringBuilder page) {
    page.append("\n## The program itself: counters of what happened\n\n")
        .append("| name | unit | `cause` | meaning |\n|---|---|---|---|\n");
    Map<String, List<Vital>> byMetric = new LinkedHashMap<>();
    for (Vital vital : Vital.values()) {
      byMetric.computeIfAbsent(vital.metric(), m -> new ArrayList<>()).add(vital);
    }
    byMetric.forEach(
        (metric, vitals) ->
            row(
                page,
                code(metric),
                code(vitals.getFirst().unit()),
                codes(vitals.stream().map(Vital::cause).filter(cause -> !cause.isEmpty()).toList()),
                vitals.getFirst().help()));
  }

  private static void others(StringBuilder page) {
    page.append("\n## The program itself: levels, times, JVM and process\n\n")
        .append("| name | kind | unit | attributes | meaning |\n|---|---|---|---|---|\n");
    for (SelfMetric metric : SelfMetric.values()) {
      row(
          page,
          code(metric.metric()),
          metric.kind().label(),
          code(metric.unit()),
          codes(metric.attributes()),
          metric.help());
    }
  }

  private static String codes(List<String> texts) {
    return String.join(", ", texts.stream().map(MetricsReferenceTest::code).toList());
  }

  private static String code(String text) {
    return "`" + text + "`";
  }

  private static void row(StringBuilder page, String... cells) {
    for (String cell : cells) {
      page.append(cell.isEmpty() ? "| " : "| " + cell.replace("|", "\\|") + " ");
    }
    page.append("|\n");
  }

  @Test
  void nameIsGivenOnce() {
    assertThat(
            Stream.of(
                    Arrays.stream(Vital.values()).map(Vital::metric).distinct(),
                    Arrays.stream(SelfMetric.values()).map(SelfMetric::metric),
                    Arrays.stream(MeshMetric.values()).map(MeshMetric::metricName))
                .flatMap(names -> names))
        .doesNotHaveDuplicates();
  }

  @ParameterizedTest
  @EnumSource
  void nameIsOursOrOfTheConventions(SelfMetric metric) {
    assertThat(metric.metric()).matches("(meshlens|jvm|process)(\\.[a-z_]+)+");
    assertThat(metric.help()).matches("[A-Z].*[^.]\\.");
  }
}
