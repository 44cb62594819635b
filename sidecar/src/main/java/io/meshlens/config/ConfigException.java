// SPDX-License-Identifier: Apache-2.0
package io.meshlens.config;

import java.util.List;

/** The configuration cannot be used; carries every problem found. */
public final class ConfigException extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient List<String> problems;

  public ConfigException(List<String> problems) {
    super(String.join("\n", problems));
    this.problems = List.copyOf(problems);
  }

  public List<String> problems() {
    return problems;
  }
}
