// SPDX-License-Identifier: Apache-2.0
package io.meshlens.config;

import java.util.Locale;

/**
 * One setting.
 *
 * @param name dotted path in the file, such as {@code access_log.als.address}
 * @param defaultText what holds when no source sets it; must fit {@code type}
 * @param help one sentence for the reference page
 * @param visibility whether the value may be shown
 */
public record ConfigKey<T>(
    String name, ValueType<T> type, String defaultText, String help, Visibility visibility) {
  /** Whether a value may be shown to whoever reads the configuration. */
  public enum Visibility {
    PLAIN,
    SECRET
  }

  /** Prefix of the environment variables. */
  public static final String ENVIRONMENT_PREFIX = "MESHLENS_";

  public ConfigKey {
    if (type.parse(defaultText).isEmpty()) {
      throw new IllegalArgumentException("default of " + name + " does not fit its type");
    }
  }

  public ConfigKey(String name, ValueType<T> type, String defaultText, String help) {
    this(name, type, defaultText, help, Visibility.PLAIN);
  }

  /** A value as it may be shown; that there is a secret is none. */
  String shown(String text) {
    return visibility == Visibility.SECRET && !text.isEmpty() ? "***" : text;
  }

  /** {@code MESHLENS_ACCESS_LOG_ALS_ADDRESS} for {@code access_log.als.address}. */
  public String environmentName() {
    return ENVIRONMENT_PREFIX + name.toUpperCase(Locale.ROOT).replace('.', '_');
  }
}
