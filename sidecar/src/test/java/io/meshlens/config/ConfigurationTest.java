// SPDX-License-Identifier: Apache-2.0
package io.meshlens.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
final class ConfigurationTest {
  private static final ConfigKey<String> COLOR =
      new ConfigKey<>("light.color", ValueType.text(), "white", "Color of the light.");
  private static final ConfigKey<Integer> LEVEL =
      new ConfigKey<>("light.level", ValueType.integer(0, 10), "5", "Brightness.");
  private static final ConfigKey<Boolean> LOUD =
      new ConfigKey<>("bell.loud", ValueType.bool(), "false", "Whether the bell is loud.");
  private static final ConfigKey<String> NAME =
      new ConfigKey<>("name", ValueType.text(), "", "Name of it all.");
  private static final List<ConfigKey<?>> KEYS = List.of(NAME, COLOR, LEVEL, LOUD);

  @TempDir private Path directory;

  private Path file(String yaml) throws IOException {
    return Files.writeString(directory.resolve("c.yaml"), yaml);
  }

  private static Configuration read(
      Map<String, String> flags, Map<String, String> environment, Optional<Path> file)
      throws ConfigException {
    return Configuration.read(KEYS, List.of(), flags, environment, file);
  }

  private static Configuration read(Path file) throws ConfigException {
    return read(Map.of(), Map.of(), Optional.of(file));
  }

  private static List<String> problems(
      Map<String, String> flags, Map<String, String> environment, Optional<Path> file) {
    try {
      read(flags, environment, file);
    } catch (ConfigException e) {
      return e.problems();
    }
    return List.of();
  }

  private static List<String> problems(Path file) {
    return problems(Map.of(), Map.of(), Optional.of(file));
  }

  @Test
  void withoutAnySourceTheDefaultsHold() throws ConfigException {
    Configuration configuration = read(Map.of(), Map.of(), Optional.empty());

    assertThat(configuration.get(COLOR)).isEqualTo("white");
    assertThat(configuration.get(LEVEL)).isEqualTo(5);
    assertThat(configuration.source(LEVEL)).isEqualTo("default");
  }

  @Test
  void fileComesBeforeTheDefault() throws Exception {
    Path file = file("light:\n  level: 6\n");

    Configuration configuration = read(file);

    assertThat(configuration.get(LEVEL)).isEqualTo(6);
    assertThat(configuration.source(LEVEL)).isEqualTo(file + ":2");
  }

  @Test
  void environmentComesBeforeTheFile() throws Exception {
    Configuration configuration =
        read(
            Map.of(),
            Map.of("MESHLENS_LIGHT_LEVEL", "7"),
            Optional.of(file("light:\n  level: 6\n")));

    assertThat(configuration.get(LEVEL)).isEqualTo(7);
    assertThat(configuration.source(LEVEL)).isEqualTo("environment MESHLENS_LIGHT_LEVEL");
  }

  @Test
  void flagComesBeforeTheEnvironment() throws Exception {
    Configuration configuration =
        read(
            Map.of("light.level", "8"),
            Map.of("MESHLENS_LIGHT_LEVEL", "7"),
            Optional.of(file("light:\n  level: 6\n")));

    assertThat(configuration.get(LEVEL)).isEqualTo(8);
    assertThat(configuration.source(LEVEL)).isEqualTo("flag");
  }

  @Test
  void dottedPathInTheFileIsTheSameAsNesting() throws Exception {
    assertThat(read(file("light.level: 6\n")).get(LEVEL)).isEqualTo(6);
  }

  @Test
  void emptyFileSetsNothing() throws Exception {
    assertThat(read(file("")).source(COLOR)).isEqualTo("default");
  }

  @Test
  void emptyValueInTheFileIsTheEmptyText() throws Exception {
    assertThat(read(file("light:\n  color:\n")).get(COLOR)).isEmpty();
  }

  @Test
  void allProblemsOfAllSourcesAreToldAtOnce() throws Exception {
    assertThat(
            problems(
                Map.of("bell.loud", "very"),
                Map.of("MESHLENS_LIGHT_LEVEL", "11", "MESHLENS_NONSENSE", "1"),
                Optional.of(file("light:\n  colour: red\nbells: 3\n"))))
        .hasSize(5)
        .anySatisfy(p -> assertThat(p).contains("flag: bell.loud = \"very\"", "true or false"))
        .anySatisfy(p -> assertThat(p).contains("environment MESHLENS_LIGHT_LEVEL", "\"11\"", "10"))
        .anySatisfy(p -> assertThat(p).contains("MESHLENS_NONSENSE is not a setting"))
        .anySatisfy(p -> assertThat(p).contains("c.yaml:2: light.colour is not a setting"))
        .anySatisfy(p -> assertThat(p).contains("c.yaml:3: bells is not a setting"));
  }

  @ParameterizedTest
  @CsvSource({"light.colour, light.color", "lightlevel, light.level", "bell.lout, bell.loud"})
  void unknownKeyIsAnsweredWithTheNearest(String unknown, String nearest) {
    assertThat(problems(Map.of(unknown, "1"), Map.of(), Optional.empty()))
        .containsExactly("flag: " + unknown + " is not a setting; nearest: " + nearest);
  }

  @Test
  void unknownEnvironmentVariableIsAnsweredWithTheNearest() {
    assertThat(problems(Map.of(), Map.of("MESHLENS_LIGHT_COLOUR", "red"), Optional.empty()))
        .containsExactly(
            "environment: MESHLENS_LIGHT_COLOUR is not a setting; nearest: MESHLENS_LIGHT_COLOR");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "MESHLENS_SERVICE_HOST",
        "MESHLENS_SERVICE_PORT_HTTP",
        "MESHLENS_PORT",
        "MESHLENS_PORT_15020_TCP",
        "MESHLENS_PORT_15020_TCP_ADDR",
        "MESHLENS_JAVA_OPTS",
        "PATH",
        "LIGHT_LEVEL"
      })
  void environmentOfOthersIsIgnored(String name) {
    assertThat(problems(Map.of(), Map.of(name, "tcp://10.0.0.1:15020"), Optional.empty()))
        .isEmpty();
  }

  @Test
  void environmentThatOnlyLooksLikeAServiceIsToldUnknown() {
    assertThat(problems(Map.of(), Map.of("MESHLENS_SERVICES", "1"), Optional.empty())).hasSize(1);
  }

  @Test
  void malformedYamlIsToldWithFileAndLine() throws Exception {
    Path file = file("name: a\nlight:\n  level: [6\nbell: {\n");

    assertThat(problems(file))
        .hasSize(1)
        .first()
        .asString()
        .matches("(?s)" + java.util.regex.Pattern.quote(file.toString()) + ":\\d+: not YAML: .*");
  }

  @Test
  void tabAsIndentationIsToldWithItsLine() throws Exception {
    assertThat(problems(file("name: a\nlight:\n\tlevel: 6\n")))
        .singleElement()
        .asString()
        .contains("c.yaml:3: not YAML");
  }

  @Test
  void listIsAProblem() throws Exception {
    assertThat(problems(file("light:\n  level:\n    - 6\n")))
        .anySatisfy(p -> assertThat(p).contains("light.level is a list"));
  }

  @Test
  void listInsteadOfTheWholeFileIsAProblem() throws Exception {
    assertThat(problems(file("- a\n- b\n"))).hasSize(1);
  }

  @Test
  void bareWordInsteadOfTheWholeFileIsAProblem() throws Exception {
    assertThat(problems(file("hello\n")))
        .singleElement()
        .asString()
        .contains("expected settings, found only \"hello\"");
  }

  @Test
  void mappingWhereAValueBelongsIsAProblem() throws Exception {
    assertThat(problems(file("name:\n  first: a\n")))
        .singleElement()
        .asString()
        .contains("name.first is not a setting");
  }

  @Test
  void keyThatIsNoWordIsAProblem() throws Exception {
    assertThat(problems(file("? [a, b]\n: c\n")))
        .singleElement()
        .asString()
        .contains("a key must be a plain word");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "name: a\nname: b\n",
        "light:\n  level: 6\n  level: 7\n",
        "light:\n  level: 6\nlight.level: 7\n",
        "light:\n  level: 6\nlight:\n  level: 7\n"
      })
  void keySetTwiceIsAProblem(String yaml) throws Exception {
    assertThat(problems(file(yaml))).isNotEmpty();
  }

  @Test
  void twoDocumentsInOneFileAreAProblem() throws Exception {
    assertThat(problems(file("name: a\n---\nname: b\n"))).isNotEmpty();
  }

  @Test
  void missingFileIsAProblem() {
    assertThat(problems(directory.resolve("none.yaml")))
        .singleElement()
        .asString()
        .contains("none.yaml: no such file");
  }

  @Test
  void directoryAsFileIsAProblem() {
    assertThat(problems(directory)).singleElement().asString().startsWith(directory.toString());
  }

  @Test
  void binaryFileIsAProblem() throws Exception {
    Path file = Files.write(directory.resolve("b"), new byte[] {0x7f, 'E', 'L', 'F', 2, 0, -1});

    assertThat(problems(file)).singleElement().asString().startsWith(file.toString());
  }

  @Test
  void controlCharactersAreAProblem() throws Exception {
    assertThat(problems(file("name: \u0001\n"))).singleElement().asString().contains("not YAML");
  }

  @Test
  void enormousFileIsAProblem() throws Exception {
    assertThat(problems(file("#".repeat(2 << 20))))
        .singleElement()
        .asString()
        .contains("larger than 1 MiB");
  }

  @Test
  void deepNestingIsAProblem() throws Exception {
    StringBuilder yaml = new StringBuilder();
    for (int depth = 0; depth < 500; depth++) {
      yaml.append(" ".repeat(depth)).append("a:\n");
    }

    assertThat(problems(file(yaml.toString()))).isNotEmpty();
  }

  @Test
  void deepFlowNestingIsAProblem() throws Exception {
    assertThat(problems(file("name: " + "[".repeat(100_000)))).isNotEmpty();
  }

  @Test
  void aliasBombIsAProblem() throws Exception {
    StringBuilder yaml = new StringBuilder("a0: &a0 {x: 1}\n");
    for (int i = 1; i < 40; i++) {
      yaml.append("a%d: &a%d {p: *a%d, q: *a%d}\n".formatted(i, i, i - 1, i - 1));
    }

    assertThat(problems(file(yaml.toString()))).isNotEmpty();
  }

  @Test
  void aliasToItselfIsAProblem() throws Exception {
    assertThat(problems(file("a: &a\n  b: *a\n"))).isNotEmpty();
  }

  @Test
  void descriptionReadAgainGivesEqualValues() throws Exception {
    Map<String, String> flags =
        Map.of(
            "light.color", "a \"quoted\" \\ # : text",
            "light.level", "9",
            "bell.loud", "true",
            "name", "");
    Configuration first = read(flags, Map.of(), Optional.empty());

    Configuration second = read(file(first.describe()));

    for (ConfigKey<?> key : KEYS) {
      assertThat((Object) second.get(key)).as(key.name()).isEqualTo(first.get(key));
      assertThat(second.source(key)).startsWith(directory.toString());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"line\nbreak", "tab\there", "null", "~", "yes", "1e3", "müller", "-", "."})
  void strangeTextSurvivesTheDescription(String text) throws Exception {
    Configuration first = read(Map.of("name", text), Map.of(), Optional.empty());

    assertThat(read(file(first.describe())).get(NAME)).isEqualTo(text);
  }

  @Test
  void descriptionShowsTheSourceOfEachValue() throws Exception {
    assertThat(
            read(Map.of("bell.loud", "true"), Map.of("MESHLENS_NAME", "n"), Optional.empty())
                .describe())
        .isEqualTo(
            """
            name: n  # environment MESHLENS_NAME
            light:
              color: white  # default
              level: 5  # default
            bell:
              loud: true  # flag
            """);
  }

  @Test
  void keyThatWasNotReadCannotBeAsked() throws Exception {
    Configuration configuration =
        Configuration.read(List.of(NAME), List.of(), Map.of(), Map.of(), Optional.empty());

    assertThatThrownBy(() -> configuration.get(LEVEL))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("light.level");
  }

  @Test
  void keyWhoseDefaultDoesNotFitCannotBeMade() {
    assertThatThrownBy(() -> new ConfigKey<>("x", ValueType.bool(), "perhaps", "H."))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @CsvSource({"kitten, sitting, 3", "abc, abc, 0", "'', abc, 3", "flaw, lawn, 2"})
  void editDistanceIsLevenshteins(String a, String b, int distance) {
    assertThat(Configuration.editDistance(a, b)).isEqualTo(distance);
    assertThat(Configuration.editDistance(b, a)).isEqualTo(distance);
  }
}
