// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.wire.WireCodes;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Which connections are watched: those that no rule excludes and, if there is any to include, one
 * includes.
 *
 * @param ownTraffic whether the program's own connections are among them
 */
public record FilterConfig(
    List<FilterRule> exclude, List<FilterRule> include, OwnTraffic ownTraffic) {
  /** What {@code filter.own_traffic} says. */
  public enum OwnTraffic {
    WATCHED,
    EXCLUDED
  }

  public FilterConfig {
    exclude = List.copyOf(exclude);
    include = List.copyOf(include);
  }

  /** What is wrong with the rules together, in words; nothing when they fit. */
  public List<String> problems() {
    List<String> problems = new ArrayList<>();
    if (rules() > WireCodes.FILTER_LIMIT_RULES) {
      problems.add(
          "filter: %d rules in filter.exclude and filter.include, at most %d are possible"
              .formatted(rules(), WireCodes.FILTER_LIMIT_RULES));
    }
    include.stream()
        .distinct()
        .filter(exclude::contains)
        .forEach(
            rule ->
                problems.add(
                    "filter: %s is in filter.exclude and in filter.include".formatted(rule)));
    return problems;
  }

  /** How many rules there are. */
  public int rules() {
    return exclude.size() + include.size();
  }

  /** Those that exclude come first. */
  Stream<FilterRule> all() {
    return Stream.concat(exclude.stream(), include.stream());
  }
}
