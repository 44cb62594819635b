// SPDX-License-Identifier: Apache-2.0
package io.meshlens.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshlens.config.ConfigException;
import io.meshlens.kernel.KernelUnavailableException;
import java.io.PrintWriter;
import java.net.BindException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The program {@code meshlens}. */
@Command(
    name = "meshlens",
    description = {
      "Who talks to whom, how much, how well, and why it failed:",
      "every TCP connection of a node, seen from inside the kernel."
    },
    subcommands = {
      RunCommand.class,
      CheckCommand.class,
      DetachCommand.class,
      ConfigCommand.class,
      VersionCommand.class
    },
    footer = {
      "",
      "Exit codes: 0 fine, 2 wrong usage or configuration, 3 kernel or permission missing, 1 else."
    })
public final class Main implements Runnable {
  @Spec CommandSpec spec = CommandSpec.create();

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      scope = ScopeType.INHERIT,
      description = "show this help and end")
  boolean help;

  @Option(names = "--debug", scope = ScopeType.INHERIT, description = "show stack traces of errors")
  boolean debug;

  private Main() {}

  public static void main(String[] args) {
    System.exit(
        run(
            args,
            new PrintWriter(System.out, true, UTF_8),
            new PrintWriter(System.err, true, UTF_8)));
  }

  /** Everything but the end of the process. */
  static int run(String[] args, PrintWriter out, PrintWriter err) {
    Main main = new Main();
    return new CommandLine(main)
        .setOut(out)
        .setErr(err)
        .setExecutionExceptionHandler(
            (exception, commandLine, result) -> main.fail(exception, commandLine.getErr()))
        .execute(args);
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "say what to do; the main job is: run");
  }

  private int fail(Exception exception, PrintWriter err) {
    if (debug) {
      exception.printStackTrace(err);
    }
    return switch (exception) {
      case ConfigException config -> {
        err.println("the configuration has " + config.problems().size() + " problem(s):");
        config.problems().forEach(problem -> err.println("  " + problem));
        yield ExitCode.USAGE;
      }
      case KernelUnavailableException kernel -> {
        err.println("error: " + kernel.getMessage());
        yield ExitCode.KERNEL;
      }
      case BindException bind -> {
        err.println(
            "error: the telemetry address cannot be bound: "
                + bind.getMessage()
                + "; choose another with --set telemetry.address=HOST:PORT");
        yield ExitCode.FAILURE;
      }
      default -> {
        err.println("error: " + exception.getMessage() + " (--debug shows more)");
        yield ExitCode.FAILURE;
      }
    };
  }
}
