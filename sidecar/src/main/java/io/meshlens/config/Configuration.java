// SPDX-License-Identifier: Apache-2.0
package io.meshlens.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The values in force, each with the source it came from. */
public final class Configuration {
  /** A value as text and where it was set, for error messages: {@code file F, line 3}. */
  record Setting(String text, String source) {}

  /**
   * Names with our prefix that are no settings: the launcher's, and what Kubernetes puts into every
   * pod for a Service called meshlens.
   */
  private static final Pattern FOREIGN_ENVIRONMENT =
      Pattern.compile(ConfigKey.ENVIRONMENT_PREFIX + "(JAVA_OPTS|(SERVICE|PORT)(_.*)?)");

  private final Map<ConfigKey<?>, Setting> settings;

  /**
   * A value by somebody else's convention, for a key that nothing of ours sets.
   *
   * @param source where it was set, for error messages
   * @param problem what keeps it from being a value, in words
   */
  public record Fallback(String text, String source, Optional<String> problem) {}

  /** What a convention of others, such as the OTEL_ variables, says about keys of ours. */
  public interface Convention {
    /** No such convention. */
    Convention NONE = (environment, own) -> Map.of();

    /**
     * By key name.
     *
     * @param own texts that flags, our variables and the file have set, by key name
     */
    Map<String, Fallback> fallbacks(Map<String, String> environment, Map<String, String> own);
  }

  /**
   * What no key can tell of itself.
   *
   * @param keys that are looked at; all have been parsed when it is asked
   * @param problems what is wrong with them together, in words; nothing when they fit
   */
  public record Check(List<ConfigKey<?>> keys, Function<Configuration, List<String>> problems) {}

  private Configuration(Map<ConfigKey<?>, Setting> settings) {
    this.settings = settings;
  }

  /** Reads all sources of our own. */
  public static Configuration read(
      List<ConfigKey<?>> keys,
      List<Check> checks,
      Map<String, String> flags,
      Map<String, String> environment,
      Optional<Path> file)
      throws ConfigException {
    return read(keys, checks, flags, environment, file, Convention.NONE);
  }

  /**
   * Reads all sources; the first of flag, environment, file, convention and default that sets a key
   * wins. An empty text in the file is as good as none to the convention.
   *
   * @param checks asked after the keys
   * @param flags values by key name
   * @param environment the process environment; of our own, only names with the prefix count
   * @throws ConfigException with every problem of every source
   */
  public static Configuration read(
      List<ConfigKey<?>> keys,
      List<Check> checks,
      Map<String, String> flags,
      Map<String, String> environment,
      Optional<Path> file,
      Convention convention)
      throws ConfigException {
    List<String> problems = new ArrayList<>();
    Map<String, Setting> byName = new LinkedHashMap<>();
    Map<String, Setting> empty = new LinkedHashMap<>();
    file.ifPresent(f -> byName.putAll(YamlFile.read(f, lists(keys), problems)));
    byName.entrySet().removeIf(e -> e.getValue().text().isEmpty() && put(empty, e));
    putEnvironment(keys, environment, byName, problems);
    flags.forEach((name, text) -> byName.put(name, new Setting(text, "flag")));
    putFallbacks(convention, environment, byName, problems);
    empty.forEach(byName::putIfAbsent);

    Map<ConfigKey<?>, Setting> settings = new LinkedHashMap<>();
    for (ConfigKey<?> key : keys) {
      Setting set = byName.remove(key.name());
      Setting setting = set == null ? new Setting(key.defaultText(), "default") : set;
      for (String problem : key.type().problems().apply(setting.text())) {
        problems.add(
            "%s: %s = \"%s\": %s"
                .formatted(setting.source(), key.name(), key.shown(setting.text()), problem));
      }
      settings.put(key, setting);
    }
    byName.forEach((name, setting) -> problems.add(unknown(name, setting, keys)));
    Configuration read = new Configuration(settings);
    for (Check check : checks) {
      if (check.keys().stream().allMatch(read::fits)) {
        problems.addAll(check.problems().apply(read));
      }
    }
    if (!problems.isEmpty()) {
      throw new ConfigException(problems);
    }
    return read;
  }

  private static boolean put(Map<String, Setting> settings, Map.Entry<String, Setting> entry) {
    settings.put(entry.getKey(), entry.getValue());
    return true;
  }

  private static void putFallbacks(
      Convention convention,
      Map<String, String> environment,
      Map<String, Setting> byName,
      List<String> problems) {
    Map<String, String> own = new LinkedHashMap<>();
    byName.forEach((name, setting) -> own.put(name, setting.text()));
    convention
        .fallbacks(environment, own)
        .forEach(
            (name, fallback) -> {
              if (own.containsKey(name)) {
                return;
              }
              fallback
                  .problem()
                  .ifPresentOrElse(
                      problem -> problems.add(fallback.source() + ": " + problem),
                      () -> byName.put(name, new Setting(fallback.text(), fallback.source())));
            });
  }

  private boolean fits(ConfigKey<?> key) {
    return key.type().parse(text(key)).isPresent();
  }

  private static Set<String> lists(List<ConfigKey<?>> keys) {
    return keys.stream()
        .filter(key -> key.type().shape() == ValueType.Shape.LIST)
        .map(ConfigKey::name)
        .collect(Collectors.toSet());
  }

  private static void putEnvironment(
      List<ConfigKey<?>> keys,
      Map<String, String> environment,
      Map<String, Setting> byName,
      List<String> problems) {
    Map<String, String> names = new LinkedHashMap<>();
    keys.forEach(key -> names.put(key.environmentName(), key.name()));
    environment.entrySet().stream()
        .filter(e -> e.getKey().startsWith(ConfigKey.ENVIRONMENT_PREFIX))
        .filter(e -> !FOREIGN_ENVIRONMENT.matcher(e.getKey()).matches())
        .sorted(Map.Entry.comparingByKey())
        .forEach(
            e -> {
              String name = names.get(e.getKey());
              if (name != null) {
                byName.put(name, new Setting(e.getValue(), "environment " + e.getKey()));
              } else {
                problems.add(
                    "environment: %s is not a setting; nearest: %s"
                        .formatted(e.getKey(), nearest(e.getKey(), List.copyOf(names.keySet()))));
              }
            });
  }

  private static String unknown(String name, Setting setting, List<ConfigKey<?>> keys) {
    List<String> names = keys.stream().<String>map(ConfigKey::name).toList();
    return "%s: %s is not a setting; nearest: %s"
        .formatted(setting.source(), name, nearest(name, names));
  }

  private static String nearest(String name, List<String> candidates) {
    return candidates.stream()
        .min(Comparator.comparingInt(candidate -> editDistance(name, candidate)))
        .orElse("none");
  }

  /** Levenshtein distance. */
  static int editDistance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int substituted = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(substituted, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[b.length()];
  }

  public <T> T get(ConfigKey<T> key) {
    Setting setting = settings.get(key);
    if (setting == null) {
      throw new IllegalArgumentException(key.name() + " is not among the keys that were read");
    }
    return key.type().parse(setting.text()).orElseThrow();
  }

  /** Names of the keys whose text is another in a later configuration of the same keys. */
  public List<String> changed(Configuration later) {
    return settings.keySet().stream()
        .filter(key -> !text(key).equals(later.text(key)))
        .map(ConfigKey::name)
        .toList();
  }

  private String text(ConfigKey<?> key) {
    Setting setting = settings.get(key);
    return setting == null ? "" : setting.text();
  }

  /** The effective configuration as YAML with the source of each value in a comment. */
  public String describe() {
    return YamlFile.describe(settings);
  }

  /** Where a value came from: {@code default}, {@code flag}, {@code environment X}, {@code F:3}. */
  public String source(ConfigKey<?> key) {
    Setting setting = settings.get(key);
    return setting == null ? "" : setting.source();
  }
}
