// SPDX-License-Identifier: Apache-2.0
package io.meshlens.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.app.Settings;
import io.meshlens.wire.WireCodes;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class MainTest {
  @TempDir private Path directory;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... args) {
    return Main.run(args, new PrintWriter(out, true), new PrintWriter(err, true));
  }

  private String file(String yaml) throws IOException {
    return Files.writeString(directory.resolve("c.yaml"), yaml).toString();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--help",
        "-h",
        "run --help",
        "check --help",
        "config --help",
        "config print --help",
        "config validate --help",
        "version --help"
      })
  void helpShowsTheUsageAndIsFine(String args) {
    assertThat(run(args.split(" ", -1))).isZero();
    assertThat(out.toString()).startsWith("Usage: meshlens");
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void helpNamesEveryCommand() {
    run("--help");

    assertThat(out.toString()).contains("run", "check", "config", "version", "Exit codes");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--none",
        "none",
        "run --none",
        "run extra",
        "check extra",
        "config",
        "config none",
        "version extra",
        "config validate a b",
        "run --config",
        "run --set novalue"
      })
  void wrongUsageIsToldOnStderr(String args) {
    assertThat(run(args.split(" ", -1))).isEqualTo(2);
    assertThat(out.toString()).isEmpty();
    assertThat(err.toString()).containsAnyOf("Usage: meshlens", "Did you mean");
  }

  @Test
  void noArgumentsIsWrongUsage() {
    assertThat(run()).isEqualTo(2);
    assertThat(err.toString()).contains("say what to do");
  }

  @Test
  void validFileIsSaidToBeValid() throws IOException {
    assertThat(run("config", "validate", file("log:\n  level: warn\n"))).isZero();
    assertThat(out.toString().strip()).isEqualTo("the configuration is valid");
  }

  @Test
  void invalidFileIsWrongUsageWithAllProblems() throws IOException {
    String file = file("log:\n  level: loud\nkernel:\n  ring_size: 3MiB\n  colour: red\n");

    assertThat(run("config", "validate", file)).isEqualTo(2);
    assertThat(err.toString())
        .contains("the configuration has 3 problem(s)")
        .contains(file + ":2: log.level = \"loud\"")
        .contains(file + ":4: kernel.ring_size = \"3MiB\"")
        .contains(file + ":5: kernel.colour is not a setting");
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void missingFileIsWrongUsage() {
    assertThat(run("config", "validate", directory.resolve("none.yaml").toString())).isEqualTo(2);
    assertThat(err.toString()).contains("no such file");
  }

  @ParameterizedTest
  @ValueSource(strings = {"-c", "--config"})
  void fileMayBeGivenAsAnOption(String option) throws IOException {
    assertThat(run("config", "validate", option, file("log:\n  level: loud\n"))).isEqualTo(2);
  }

  @Test
  void printShowsEveryValueWithItsSource() throws IOException {
    String file = file("node:\n  id: n1\n");

    assertThat(run("config", "print", file, "--set", "log.level=debug", "--cgroup", "/x")).isZero();
    assertThat(out.toString())
        .contains("level: debug  # flag")
        .contains("cgroup: /x  # flag")
        .contains("id: n1  # " + file + ":2")
        .contains("ring_size: 8MiB  # default");
    assertThat(out.toString().lines().filter(line -> line.contains("  # ")))
        .hasSize(Settings.ALL.size());
  }

  @Test
  void printedConfigurationIsValid() throws IOException {
    run("config", "print");

    assertThat(run("config", "validate", file(out.toString()))).isZero();
  }

  @Test
  void badFlagIsWrongUsageForTheMainJobToo() {
    assertThat(run("run", "--set", "log.level=loud")).isEqualTo(2);
    assertThat(err.toString()).contains("flag: log.level = \"loud\"");
  }

  @Test
  void versionNamesTheByteContractAndJava() {
    assertThat(run("version")).isZero();
    assertThat(out.toString())
        .startsWith("meshlens ")
        .contains("wire ABI " + WireCodes.WIRE_ABI_VERSION)
        .contains("java " + Runtime.version().feature());
  }

  @Test
  void debugShowsTheStackTrace() {
    assertThat(run("run", "--debug", "--set", "log.level=loud")).isEqualTo(2);
    assertThat(err.toString()).contains("at io.meshlens.config.Configuration.read");
  }

  @Test
  void problemsOfFiltersAndFormatsOfEveryLogAreSaidAtOnce() throws IOException {
    String file =
        file(
            """
            access_log:
              stdout: {filter: "destination.prt == 80", format: text}
              file: {text_format: "%STRAT_TIME%", sampling: 2}
              als: {filter: "evnt == 'x'"}
            """);
    assertThat(run("config", "validate", file)).isEqualTo(2);
    assertThat(err.toString())
        .contains("c.yaml:2: access_log.stdout.filter", "undefined field 'prt'")
        .contains("access_log.stdout.format = \"text\" needs access_log.stdout.text_format")
        .contains("c.yaml:3: access_log.file.text_format", "nearest: %START_TIME%")
        .contains("c.yaml:3: access_log.file.sampling = \"2\"")
        .contains("c.yaml:4: access_log.als.filter", "undeclared reference to 'evnt'");
  }
}
