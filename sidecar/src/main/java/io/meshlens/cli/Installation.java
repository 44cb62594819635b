// SPDX-License-Identifier: Apache-2.0
package io.meshlens.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Properties;

/** What was built and where it is installed. */
final class Installation {
  private static final String DEFAULT_HOME = "/opt/meshlens";

  private Installation() {}

  /** The directory that holds lib/ and bpf/; the launcher says which. */
  static Path home() {
    return Path.of(System.getProperty("meshlens.home", DEFAULT_HOME));
  }

  static String version() {
    return properties().getProperty("version", "unknown");
  }

  /** Commit that was built, as far as the build knew. */
  static String commit() {
    return properties().getProperty("commit", "unknown");
  }

  private static Properties properties() {
    Properties properties = new Properties();
    try (InputStream in = Installation.class.getResourceAsStream("/meshlens.properties")) {
      if (in != null) {
        properties.load(in);
      }
    } catch (IOException e) {
      throw new IllegalStateException("unreadable meshlens.properties in the program's jar", e);
    }
    return properties;
  }
}
