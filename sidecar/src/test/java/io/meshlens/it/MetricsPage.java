// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What one scrape said.
 *
 * @param samples value by series, as in {@code name{label="value"}}
 */
record MetricsPage(Map<String, Long> samples) {
  MetricsPage {
    samples = Map.copyOf(samples);
  }

  static MetricsPage parse(String text) {
    Map<String, Long> samples = new HashMap<>();
    text.lines()
        .filter(line -> !line.startsWith("#"))
        .forEach(
            line -> {
              int space = line.lastIndexOf(' ');
              samples.put(
                  line.substring(0, space), (long) Double.parseDouble(line.substring(space + 1)));
            });
    return new MetricsPage(samples);
  }

  static MetricsPage of(SidecarProcess sidecar) throws InterruptedException {
    return parse(sidecar.get("/metrics").body());
  }

  /** The sum of all series of a name with the given labels, among others. */
  long sum(String name, Map<String, String> labels) {
    return sum(series -> isOf(series, name, labels));
  }

  long sum(Predicate<String> wanted) {
    return samples.entrySet().stream()
        .filter(sample -> wanted.test(sample.getKey()))
        .mapToLong(Map.Entry::getValue)
        .sum();
  }

  static boolean isOf(String series, String name, Map<String, String> labels) {
    return (series.equals(name) || series.startsWith(name + "{"))
        && labels.entrySet().stream()
            .allMatch(l -> series.contains(l.getKey() + "=\"" + l.getValue() + "\""));
  }

  /** Every value that a label has in the series of a name. */
  Set<String> values(String name, String label) {
    Pattern pattern = Pattern.compile("[{,]" + label + "=\"([^\"]*)\"");
    Set<String> values = new TreeSet<>();
    for (String series : samples.keySet()) {
      Matcher matcher = pattern.matcher(series);
      if (isOf(series, name, Map.of()) && matcher.find()) {
        values.add(matcher.group(1));
      }
    }
    return values;
  }
}
