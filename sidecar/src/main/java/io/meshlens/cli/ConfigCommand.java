// SPDX-License-Identifier: Apache-2.0
package io.meshlens.cli;

import io.meshlens.config.ConfigException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code meshlens config}. */
@Command(name = "config", description = "Look at the configuration without running anything.")
final class ConfigCommand implements Runnable {
  @Spec CommandSpec spec = CommandSpec.create();

  @Mixin final ConfigOptions options = new ConfigOptions();

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "say what: config print or config validate");
  }

  @Command(description = "Print the effective configuration and where each value comes from.")
  int print(
      @Mixin ConfigOptions config,
      @Parameters(arity = "0..1", paramLabel = "FILE", description = "configuration file")
          @Nullable Path file)
      throws ConfigException {
    spec.commandLine().getOut().print(config.read(fileOf(config, file)).describe());
    spec.commandLine().getOut().flush();
    return ExitCode.FINE;
  }

  @Command(description = "Check the configuration; all problems are printed at once.")
  int validate(
      @Mixin ConfigOptions config,
      @Parameters(arity = "0..1", paramLabel = "FILE", description = "configuration file")
          @Nullable Path file)
      throws ConfigException {
    config.read(fileOf(config, file));
    spec.commandLine().getOut().println("the configuration is valid");
    spec.commandLine().getOut().flush();
    return ExitCode.FINE;
  }

  private static Optional<Path> fileOf(ConfigOptions config, @Nullable Path argument) {
    return Optional.ofNullable(argument == null ? config.file : argument);
  }
}
