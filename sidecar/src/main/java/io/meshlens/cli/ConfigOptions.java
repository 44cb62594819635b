// SPDX-License-Identifier: Apache-2.0
package io.meshlens.cli;

import io.meshlens.app.KernelSettings;
import io.meshlens.app.OtelEnvironment;
import io.meshlens.app.Settings;
import io.meshlens.config.ConfigException;
import io.meshlens.config.Configuration;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options by which every command is configured. */
final class ConfigOptions {
  @Option(
      names = {"-c", "--config"},
      paramLabel = "FILE",
      description = "configuration file (YAML)")
  @Nullable Path file;

  @Option(
      names = "--cgroup",
      paramLabel = "PATH",
      description = "watch this cgroup v2 directory; the same as --set cgroup=PATH")
  @Nullable String cgroup;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "one setting, such as --set access_log.als.address=collector:4317")
  Map<String, String> set = new LinkedHashMap<>();

  Configuration read() throws ConfigException {
    return read(Optional.ofNullable(file));
  }

  Configuration read(Optional<Path> configFile) throws ConfigException {
    Map<String, String> flags = new LinkedHashMap<>(set);
    if (cgroup != null) {
      flags.put(KernelSettings.CGROUP.name(), cgroup);
    }
    return Configuration.read(
        Settings.ALL,
        Settings.CHECKS,
        flags,
        System.getenv(),
        configFile,
        OtelEnvironment::fallbacks);
  }
}
