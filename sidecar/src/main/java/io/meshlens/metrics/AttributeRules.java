// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import com.google.common.base.Splitter;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Which attributes metrics have. A rule is {@code METRIC:ATTRIBUTE}, each with {@code *} for any
 * text.
 *
 * @param include if any of these is for a metric, it has only attributes that one of them names
 * @param exclude attributes that a metric does not have, whatever else is said
 */
public record AttributeRules(List<Rule> include, List<Rule> exclude) {
  /** What a rule looks like. */
  public static final String EXPECTATION =
      "METRIC:ATTRIBUTE, each with * for any text, such as mesh.tcp.packets:*.address";

  public static final AttributeRules NONE = new AttributeRules(List.of(), List.of());

  private static final Pattern SHAPE = Pattern.compile("[a-z0-9._*]+:[a-z0-9._*]+");

  /** One rule. */
  public record Rule(String text) {
    private boolean isFor(String metric) {
      return fits(part(0), metric);
    }

    private boolean names(String metric, String attribute) {
      return isFor(metric) && fits(part(1), attribute);
    }

    private String part(int index) {
      return Splitter.on(':').splitToList(text).get(index);
    }

    private static boolean fits(String pattern, String name) {
      String regex =
          String.join(".*", Splitter.on('*').splitToStream(pattern).map(Pattern::quote).toList());
      return name.matches(regex);
    }
  }

  public AttributeRules {
    include = List.copyOf(include);
    exclude = List.copyOf(exclude);
  }

  /** What is wrong with the text of a rule; nothing when it fits. */
  public static List<String> problems(String text) {
    return SHAPE.matcher(text).matches()
        ? List.of()
        : List.of("\"%s\" is no rule, expected %s".formatted(text, EXPECTATION));
  }

  /** Rules that name nothing in a profile, in words. */
  public List<String> problems(Profile profile) {
    return List.of(include, exclude).stream()
        .flatMap(List::stream)
        .filter(rule -> MeshMetric.of(profile).stream().noneMatch(metric -> names(rule, metric)))
        .map(
            rule ->
                "\"%s\" names no attribute of a metric of the profile %s that can be left out; see"
                        .formatted(rule.text(), profile.label())
                    + " docs/metrics.md for those that exist")
        .toList();
  }

  private static boolean names(Rule rule, MeshMetric metric) {
    return metric.attributes().stream()
        .filter(attribute -> !attribute.equals(Columns.REPORTER))
        .anyMatch(attribute -> rule.names(metric.metricName(), attribute));
  }

  /**
   * Whether a metric has an attribute; all have their reporter, whose numbers must not be added.
   */
  boolean keeps(String metric, String attribute) {
    if (attribute.equals(Columns.REPORTER)) {
      return true;
    }
    boolean included =
        include.stream().noneMatch(rule -> rule.isFor(metric))
            || include.stream().anyMatch(rule -> rule.names(metric, attribute));
    return included && exclude.stream().noneMatch(rule -> rule.names(metric, attribute));
  }
}
