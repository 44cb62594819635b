// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.config.ConfigKey;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class SettingsTest {
  private static final Path REFERENCE = Path.of("../docs/reference");

  static List<ConfigKey<?>> keys() {
    return Settings.ALL;
  }

  @Test
  void listHoldsEveryKeyOfTheClasses() throws IllegalAccessException {
    List<Object> declared = new ArrayList<>();
    for (Class<?> room :
        List.of(
            KernelSettings.class,
            AccessLogSettings.class,
            AlsTransportSettings.class,
            OtlpLogSettings.class,
            DeliverySettings.class,
            LogFileSettings.class,
            MetricsSettings.class,
            IdentitySettings.class,
            IstioSettings.class,
            Settings.class,
            NodeSettings.class)) {
      for (Field field : room.getFields()) {
        switch (field.get(null)) {
          case ConfigKey<?> key -> declared.add(key);
          case LineSettings lines -> declared.addAll(lines.keys());
          case ChoiceSettings choice -> declared.addAll(choice.keys());
          default -> {
            // No setting.
          }
        }
      }
    }

    assertThat(declared).isNotEmpty();
    assertThat(List.<Object>copyOf(Settings.ALL)).containsExactlyElementsOf(declared);
  }

  @Test
  void noTwoKeysShareANameOrAnEnvironmentVariable() {
    assertThat(Settings.ALL.stream().map(ConfigKey::name)).doesNotHaveDuplicates();
    assertThat(Settings.ALL.stream().map(ConfigKey::environmentName)).doesNotHaveDuplicates();
  }

  @ParameterizedTest
  @MethodSource("keys")
  void defaultFitsItsType(ConfigKey<?> key) {
    assertThat(key.type().parse(key.defaultText()).isPresent()).isTrue();
  }

  @ParameterizedTest
  @MethodSource("keys")
  void helpIsASentence(ConfigKey<?> key) {
    assertThat(key.help()).matches("[A-Z].*[^.]\\.").doesNotContain("\n");
  }

  @ParameterizedTest
  @MethodSource("keys")
  void nameIsWordsJoinedByDots(ConfigKey<?> key) {
    assertThat(key.name()).matches("[a-z]+(_[a-z]+)*(\\.[a-z]+(_[a-z]+)*)*");
  }

  @ParameterizedTest
  @MethodSource("keys")
  void environmentVariableIsNotOneThatKubernetesSets(ConfigKey<?> key) {
    assertThat(key.environmentName())
        .doesNotMatch("MESHLENS_(SERVICE|PORT)(_.*)?")
        .matches("MESHLENS_[A-Z_]+");
  }

  @Test
  void referenceOfTheConfigurationIsUpToDate() throws IOException {
    StringBuilder page = new StringBuilder();
    page.append("# Configuration\n\n")
        .append("Every setting can be given as a flag (`--set KEY=VALUE`), by its environment")
        .append(" variable, or in a\n")
        .append("YAML file (`--config FILE`); the first of these that has it wins, then one of")
        .append(" OpenTelemetry's\n")
        .append(
            "variables (`OTEL_...`, in [operations.md](../operations.md#opentelemetrys-variables)),")
        .append(" then the default.\n\n")
        .append("| key | environment variable | default | values | meaning |\n")
        .append("|---|---|---|---|---|\n");
    for (ConfigKey<?> key : Settings.ALL) {
      String initial = key.defaultText().isEmpty() ? "(empty)" : code(key.defaultText());
      row(
          page,
          List.of(
              code(key.name()),
              code(key.environmentName()),
              initial,
              key.type().expectation(),
              key.help()));
    }

    assertUpToDate("config.md", page.toString());
  }

  private static String code(String text) {
    return "`" + text + "`";
  }

  private static void row(StringBuilder page, List<String> cells) {
    for (String cell : cells) {
      page.append(cell.isEmpty() ? "| " : "| " + cell.replace("|", "\\|") + " ");
    }
    page.append("|\n");
  }

  /** A missing page fails; {@code -Dgolden.update=true} writes it. */
  private static void assertUpToDate(String name, String page) throws IOException {
    Path file = REFERENCE.resolve(name);
    if (Boolean.getBoolean("golden.update")) {
      Files.createDirectories(REFERENCE);
      Files.writeString(file, page);
    }
    assertThat(file).exists().content().isEqualTo(page);
  }
}
