// SPDX-License-Identifier: Apache-2.0
package io.meshlens.chart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.marcnuri.helm.Helm;
import com.marcnuri.helm.LintResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

final class ChartTest {

  private static final Path REFERENCE = Path.of("../docs/reference/config.md");

  /** Every key of the program's configuration, in its dotted form; SettingsTest keeps the page. */
  private static Set<String> documentedKeys() throws IOException {
    try (Stream<String> lines = Files.lines(REFERENCE)) {
      return lines
          .map(Pattern.compile("^\\| `([a-z_.]+)` \\|")::matcher)
          .filter(Matcher::find)
          .map(row -> row.group(1))
          .collect(Collectors.toUnmodifiableSet());
    }
  }

  private static final Path CHART = Path.of("../charts/meshlens").toAbsolutePath().normalize();
  private static final Path EVERYTHING = CHART.resolve("tests/everything.yaml");
  private static final String CONFIG_FILE = "meshlens.yaml";

  @TempDir private Path temporary;

  @Test
  void strictLintFindsNothing() {
    LintResult result = new Helm(CHART).lint().strict().call();

    assertThat(result.isFailed()).as("%s", result.getMessages()).isFalse();
    assertThat(result.getMessages()).isEqualTo(List.of("[INFO] Chart.yaml: icon is recommended"));
  }

  @Test
  void chartAndProgramCarryTheVersionOfTheBuild() throws IOException {
    String pom = Files.readString(CHART.resolve("../../pom.xml"));
    String build = pom.substring(pom.indexOf("<version>") + 9, pom.indexOf("</version>"));
    Object chart = yaml().load(Files.readString(CHART.resolve("Chart.yaml")));

    assertThat(at(chart, "version")).isEqualTo(build.replace("-SNAPSHOT", ""));
    assertThat(at(chart, "appVersion")).isEqualTo(at(chart, "version"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"default", "everything"})
  void renderedChartEqualsItsGoldenFile(String name) throws IOException {
    String rendered = name.equals("default") ? render() : render(EVERYTHING);
    Path golden = CHART.resolve("tests/golden/" + name + ".yaml");
    if (Boolean.getBoolean("golden.update")) {
      Files.createDirectories(golden.getParent());
      Files.writeString(golden, rendered);
    }

    assertThat(golden).as("rewrite with -Dgolden.update=true").isRegularFile();
    assertThat(rendered)
        .as("%s; if the change is meant, rewrite with -Dgolden.update=true", golden)
        .isEqualTo(Files.readString(golden));
  }

  @Test
  void defaultInstallationIsExactlyTheseObjects() {
    assertThat(documents(render()).stream().map(document -> at(document, "kind")))
        .containsExactlyInAnyOrder(
            "ServiceAccount",
            "ConfigMap",
            "ClusterRole",
            "ClusterRoleBinding",
            "Service",
            "DaemonSet");
  }

  @Test
  void aTokenIsMountedAndTheRoleGrantsWhatIdentitiesAreReadFrom() {
    String rendered = render();

    Object pod = at(document("DaemonSet", rendered), "spec", "template", "spec");
    assertThat(at(pod, "automountServiceAccountToken")).isEqualTo(true);
    assertThat(at(document("ServiceAccount", rendered), "automountServiceAccountToken"))
        .isEqualTo(false);
    List<String> verbs = List.of("get", "list", "watch");
    assertThat(listAt(document("ClusterRole", rendered), "rules").stream().map(ChartTest::mapAt))
        .containsExactly(
            Map.of(
                "apiGroups",
                List.of(""),
                "resources",
                List.of("pods", "services", "nodes", "namespaces"),
                "verbs",
                verbs),
            Map.of(
                "apiGroups",
                List.of("discovery.k8s.io"),
                "resources",
                List.of("endpointslices"),
                "verbs",
                verbs));
  }

  @Test
  void withoutKubernetesNoTokenIsMountedAndTheRoleGrantsNothing() throws IOException {
    String rendered = render(values("config: {identity: {kubernetes: {enabled: 'off'}}}"));

    Object pod = at(document("DaemonSet", rendered), "spec", "template", "spec");
    assertThat(at(pod, "automountServiceAccountToken")).isEqualTo(false);
    assertThat(at(document("ServiceAccount", rendered), "automountServiceAccountToken"))
        .isEqualTo(false);
    assertThat(listAt(document("ClusterRole", rendered), "rules")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"default", "everything"})
  void everyDocumentedKeyIsSetOnceByTheFileOrByTheEnvironment(String name) throws IOException {
    String rendered = name.equals("default") ? render() : render(EVERYTHING);
    Set<String> inFile = new TreeSet<>();
    collectKeys("", config(rendered), inFile);
    Set<String> inEnvironment = new TreeSet<>();
    Object pod = at(document("DaemonSet", rendered), "spec", "template", "spec");
    for (Object variable : listAt(pod, "containers", 0, "env")) {
      inEnvironment.add((String) at(variable, "name"));
    }

    Set<String> expectedInFile = new TreeSet<>();
    for (String key : documentedKeys()) {
      String variable = "MESHLENS_" + key.replace('.', '_').toUpperCase(Locale.ROOT);
      if (!inEnvironment.remove(variable)) {
        expectedInFile.add(key);
      }
    }
    assertThat(inFile).isEqualTo(expectedInFile);
    assertThat(inEnvironment).noneMatch(variable -> variable.startsWith("MESHLENS_"));
  }

  @Test
  void largeNumbersReachTheConfigurationFileAsIntegers() {
    assertThat(at(config(render(EVERYTHING)), "kernel", "max_address_pairs")).isEqualTo(1_048_576);
  }

  @Test
  void changedConfigurationChangesThePodTemplate() throws IOException {
    Object before = checksum(render());

    assertThat(checksum(render(values("config: {log: {level: debug}}")))).isNotEqualTo(before);
    assertThat(checksum(render(values("telemetry: {port: 15021}")))).isEqualTo(before);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "IPv4 | $(POD_IP):15020",
        "IPv6 | [$(POD_IP)]:15020",
      })
  void telemetryListensOnThePodAddress(String family, String expected) throws IOException {
    String rendered = render(values("telemetry: {ipFamily: " + family + "}"));

    Object pod = at(document("DaemonSet", rendered), "spec", "template", "spec");
    assertThat(listAt(pod, "containers", 0, "env").stream().map(ChartTest::mapAt))
        .contains(Map.of("name", "MESHLENS_TELEMETRY_ADDRESS", "value", expected));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "prioritClassName: x                        | prioritClassName",
        "hostIPC: true                              | hostIPC",
        "config: {kernel: {rng_size: 8MiB}}         | rng_size",
        "config: {telemetry: {address: 'x:1'}}      | telemetry",
        "image: {tga: '1'}                          | tga",
        "security: {privileged: true}               | privileged",
        "resources: {limit: {memory: 1Gi}}          | limit",
        "tolerations: [{operater: Exists}]          | operater",
      })
  void unknownValueIsRefusedByName(String yaml, String name) throws IOException {
    Path values = values(yaml);

    assertThatThrownBy(() -> render(values))
        .hasMessageContaining("additional properties '" + name + "' not allowed");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "telemetry: {port: '15020'}                                | /telemetry/port",
        "telemetry: {port: 65536}                                  | /telemetry/port",
        "telemetry: {ipFamily: ipv6}                               | /telemetry/ipFamily",
        "config: {kernel: {pin_path: pins}}                        | /config/kernel/pin_path",
        "config: {kernel: {conntrack: 'on'}}                       | /config/kernel/conntrack",
        "config: {access_log: {periodic_interval: 0s}} | /config/access_log/periodic_interval",
        "extraVolumes: [{name: bpffs}]                             | /extraVolumes/0/name",
        "hostNetwork: 'yes'                                        | /hostNetwork",
        "config: {kernel: {ring_size: 8388608}}                    | /config/kernel/ring_size",
        "config: {kernel: {ring_size: 8 MB}}                       | /config/kernel/ring_size",
        "config: {kernel: {max_address_pairs: many}}     | /config/kernel/max_address_pairs",
        "config: {access_log: {stdout: {enabled: 'yes'}}} | /config/access_log/stdout/enabled",
        "config: {access_log: {stdout: {format: xml}}}    | /config/access_log/stdout/format",
        "config: {access_log: {file: {path: access.log}}} | /config/access_log/file/path",
        "config: {access_log: {file: {sampling: 1.5}}}    | /config/access_log/file/sampling",
        "config: {access_log: {als: {rate_limit: many}}}  | /config/access_log/als/rate_limit",
        "config: {access_log: {als: {periodic: false}}}   | /config/access_log/als/periodic",
        "config: {access_log: {als: {address: ['als']}}}  | /config/access_log/als/address/0",
        "config: {metrics: {otlp: {endpoint: 'c:4317'}}}  | /config/metrics/otlp/endpoint",
        "config: {metrics: {otlp: {protocol: http}}}      | /config/metrics/otlp/protocol",
        "config: {metrics: {otlp: {interval: 10}}}        | /config/metrics/otlp/interval",
        "config: {metrics: {profile: prometheus}}         | /config/metrics/profile",
        "config: {metrics: {attributes: {exclude: [x]}}}  | /config/metrics/attributes/exclude/0",
        "config: {kernel: {ring_size: 12MiB}}                       | /config/kernel/ring_size",
        "config: {log: {level: trace}}                             | /config/log/level",
        "config: {identity: {istio: {address: istiod}}}    | /config/identity/istio/address",
        "config: {identity: {istio: {token_file: token}}}  | /config/identity/istio/token_file",
        "config: {identity: {istio: {max_response_size: 3MiB}}} | /config/identity/istio/max_response_size",
        "config: {filter: {exclude: [prot=22]}}                   | /config/filter/exclude/0",
        "config: {filter: {include: port=22}}                      | /config/filter/include",
        "image: {digest: 'sha256:abc'}                             | /image/digest",
        "extraEnv: [{name: MESHLENS_NODE_ID, value: x}]            | /extraEnv/0/name",
        "security: {seccompProfile: {type: Localhost}}             | /security/seccompProfile",
      })
  void wrongValueIsRefusedWithItsPath(String yaml, String path) throws IOException {
    Path values = values(yaml);

    assertThatThrownBy(() -> render(values)).hasMessageContaining("at '" + path + "'");
  }

  @ParameterizedTest
  @ValueSource(strings = {"30s", "30000ms", "1m", "1h"})
  void gracePeriodMustOutlastTheShutdown(String timeout) throws IOException {
    Path values = values("config: {shutdown: {timeout: " + timeout + "}}");

    assertThatThrownBy(() -> render(values))
        .hasMessageContaining(
            "terminationGracePeriodSeconds (30) must be greater than config.shutdown.timeout ("
                + timeout
                + ")");
    assertThat(render(values("config: {shutdown: {timeout: 29s}}"))).contains("timeout: 29s");
  }

  @Test
  void scrapeTimeoutMustFitIntoTheInterval() throws IOException {
    Path values = values("serviceMonitor: {interval: 1m, scrapeTimeout: 61s}");

    assertThatThrownBy(() -> render(values))
        .hasMessageContaining(
            "serviceMonitor.scrapeTimeout (61s) must not exceed serviceMonitor.interval (1m)");
    assertThat(render(values("serviceMonitor: {interval: 1m, scrapeTimeout: 60s}"))).isNotEmpty();
  }

  static String render(Path... valuesFiles) {
    var template = new Helm(CHART).template().withName("meshlens").withNamespace("meshlens");
    for (Path file : valuesFiles) {
      template = template.withValuesFile(file);
    }
    return template.call();
  }

  private Path values(String yaml) throws IOException {
    return Files.writeString(Files.createTempFile(temporary, "values", ".yaml"), yaml);
  }

  private static Object checksum(String rendered) {
    return at(
        document("DaemonSet", rendered),
        "spec",
        "template",
        "metadata",
        "annotations",
        "checksum/config");
  }

  static Map<Object, Object> config(String rendered) {
    String text = (String) at(document("ConfigMap", rendered), "data", CONFIG_FILE);
    return mapAt(yaml().load(text));
  }

  static Map<Object, Object> document(String kind, String rendered) {
    List<Map<Object, Object>> found =
        documents(rendered).stream().filter(document -> kind.equals(at(document, "kind"))).toList();
    assertThat(found).as("documents of kind %s", kind).hasSize(1);
    return found.getFirst();
  }

  private static List<Map<Object, Object>> documents(String rendered) {
    List<Map<Object, Object>> documents = new ArrayList<>();
    for (Object document : yaml().loadAll(rendered)) {
      documents.add(mapAt(document));
    }
    return documents;
  }

  private static Yaml yaml() {
    LoaderOptions options = new LoaderOptions();
    options.setAllowDuplicateKeys(false);
    return new Yaml(new SafeConstructor(options));
  }

  private static void collectKeys(String prefix, Map<?, ?> map, Set<String> keys) {
    map.forEach(
        (name, value) -> {
          String key = prefix + name;
          if (value instanceof Map<?, ?> nested) {
            collectKeys(key + ".", nested, keys);
          } else {
            keys.add(key);
          }
        });
  }

  static Map<Object, Object> mapAt(Object node, Object... path) {
    if (at(node, path) instanceof Map<?, ?> map) {
      return new LinkedHashMap<>(map);
    }
    throw new AssertionError("no mapping at " + Arrays.toString(path) + " of " + node);
  }

  static List<?> listAt(Object node, Object... path) {
    if (at(node, path) instanceof List<?> list) {
      return list;
    }
    throw new AssertionError("no list at " + Arrays.toString(path) + " of " + node);
  }

  static Object at(Object node, Object... path) {
    Object current = node;
    for (Object step : path) {
      Object next = null;
      if (current instanceof Map<?, ?> map) {
        next = map.get(step);
      } else if (current instanceof List<?> list && step instanceof Integer index) {
        next = list.get(index);
      }
      if (next == null) {
        throw new AssertionError("nothing at " + Arrays.toString(path) + " of " + node);
      }
      current = next;
    }
    return current;
  }
}
