// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.config.ConfigException;
import io.meshlens.config.ConfigKey;
import io.meshlens.config.Configuration;
import io.meshlens.export.OtlpConfig;
import io.meshlens.export.OtlpConfig.Histograms;
import io.meshlens.export.OtlpConfig.Temporality;
import io.meshlens.export.OtlpReceiver;
import io.meshlens.export.OtlpReceiver.Compression;
import io.meshlens.export.OtlpReceiver.Protocol;
import io.meshlens.export.ResourceConfig;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class OtelEnvironmentTest {
  @TempDir private Path directory;

  private static Configuration read(
      Map<String, String> flags, Map<String, String> environment, Optional<Path> file)
      throws ConfigException {
    return Configuration.read(
        Settings.ALL, Settings.CHECKS, flags, environment, file, OtelEnvironment::fallbacks);
  }

  private static Configuration read(Map<String, String> environment) throws ConfigException {
    return read(Map.of(), environment, Optional.empty());
  }

  private static List<String> problems(Map<String, String> environment) {
    try {
      read(environment);
      return List.of();
    } catch (ConfigException e) {
      return e.problems();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        // The variable for all signals is a base; that for metrics is taken as it stands.
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318 | http/protobuf | http://c:4318/v1/metrics",
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318/ | http/protobuf | http://c:4318/v1/metrics",
        "OTEL_EXPORTER_OTLP_ENDPOINT=https://c/otlp | http/protobuf | https://c/otlp/v1/metrics",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://c:4318 | http/protobuf | http://c:4318/",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://c/m/x | http/protobuf | http://c/m/x",
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4317 OTEL_EXPORTER_OTLP_PROTOCOL=grpc | grpc |"
            + " http://c:4317",
        "OTEL_EXPORTER_OTLP_ENDPOINT=c:4317 OTEL_EXPORTER_OTLP_PROTOCOL=grpc | grpc |"
            + " https://c:4317",
        "OTEL_EXPORTER_OTLP_ENDPOINT=c:4317 OTEL_EXPORTER_OTLP_PROTOCOL=grpc"
            + " OTEL_EXPORTER_OTLP_INSECURE=true | grpc | http://c:4317",
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://a:1 OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://b:2/x |"
            + " http/protobuf | http://b:2/x",
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://a:1 OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
            + " OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=grpc | grpc | http://a:1",
        "OTEL_METRICS_EXPORTER=otlp | http/protobuf | http://localhost:4318/v1/metrics",
        "OTEL_METRICS_EXPORTER=otlp OTEL_EXPORTER_OTLP_PROTOCOL=grpc | grpc |"
            + " http://localhost:4317",
      })
  void endpointAndProtocolFollowTheSpecification(String variables, String protocol, URI url)
      throws ConfigException {
    OtlpConfig otlp = MetricsSettings.otlp(read(environment(variables))).orElseThrow();

    assertThat(otlp.receiver().protocol().label()).isEqualTo(protocol);
    // What our own rule makes of it is the same again.
    assertThat(otlp.receiver().endpoint()).isEqualTo(url);
  }

  private static Map<String, String> environment(String variables) {
    Map<String, String> environment = new java.util.HashMap<>();
    for (String variable : List.of(variables.split(" ", -1))) {
      int equals = variable.indexOf('=');
      environment.put(variable.substring(0, equals), variable.substring(equals + 1));
    }
    return environment;
  }

  @Test
  void everyVariableReachesItsSetting() throws Exception {
    Configuration values =
        read(
            Map.ofEntries(
                Map.entry("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"),
                Map.entry("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20x%3By, a = b+c"),
                Map.entry("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
                Map.entry("OTEL_EXPORTER_OTLP_TIMEOUT", "1500"),
                Map.entry("OTEL_METRIC_EXPORT_INTERVAL", "60000"),
                Map.entry("OTEL_METRIC_EXPORT_TIMEOUT", "20000"),
                Map.entry("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Delta"),
                Map.entry(
                    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
                    "explicit_bucket_histogram"),
                Map.entry("OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.name=p-1,team=a%2Cb"),
                Map.entry("OTEL_SERVICE_NAME", "observer")));

    OtlpConfig otlp = MetricsSettings.otlp(values).orElseThrow();
    assertThat(otlp.receiver().headers())
        .containsExactly(
            new OtlpReceiver.Header("authorization", "Bearer x;y"),
            new OtlpReceiver.Header("a", "b+c"));
    assertThat(otlp.receiver().compression()).isEqualTo(Compression.GZIP);
    assertThat(otlp.receiver().timeout()).isEqualTo(Duration.ofMillis(1500));
    assertThat(otlp.interval()).isEqualTo(Duration.ofMinutes(1));
    assertThat(otlp.exportTimeout()).isEqualTo(Duration.ofSeconds(20));
    assertThat(otlp.temporality()).isEqualTo(Temporality.DELTA);
    assertThat(otlp.histograms()).isEqualTo(Histograms.EXPLICIT);
    ResourceConfig resource = MetricsSettings.resource(values, "node-1");
    assertThat(resource.serviceName()).contains("observer");
    assertThat(resource.attributes()).isEqualTo(Map.of("k8s.pod.name", "p-1", "team", "a,b"));
  }

  @Test
  void ourOwnGoFirstAndAnEmptyTextInTheFileIsAsGoodAsNone() throws Exception {
    Path file =
        Files.writeString(
            directory.resolve("c.yaml"),
            "metrics: {otlp: {endpoint: '', compression: none, headers: []}}");
    Map<String, String> environment =
        Map.of(
            "OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318",
            "OTEL_EXPORTER_OTLP_COMPRESSION", "gzip",
            "OTEL_EXPORTER_OTLP_TIMEOUT", "1000",
            "MESHLENS_METRICS_OTLP_TIMEOUT", "2s",
            "OTEL_SERVICE_NAME", "theirs");
    Configuration values =
        read(Map.of("resource.service_name", "ours"), environment, Optional.of(file));

    assertThat(values.get(MetricsSettings.OTLP_ENDPOINT))
        .contains(URI.create("http://c:4318/v1/metrics"));
    assertThat(values.source(MetricsSettings.OTLP_ENDPOINT))
        .isEqualTo("environment OTEL_EXPORTER_OTLP_ENDPOINT");
    assertThat(values.get(MetricsSettings.OTLP_COMPRESSION)).isEqualTo(Compression.NONE);
    assertThat(values.get(MetricsSettings.OTLP_TIMEOUT)).isEqualTo(Duration.ofSeconds(2));
    assertThat(values.get(MetricsSettings.RESOURCE_SERVICE_NAME)).isEqualTo("ours");
  }

  @Test
  void defaultProtocolOfTheSpecificationIsForItsOwnEndpointOnly() throws Exception {
    Configuration values =
        read(
            Map.of("metrics.otlp.endpoint", "http://ours:4317"),
            Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "http://theirs:4318"),
            Optional.empty());

    assertThat(values.get(MetricsSettings.OTLP_PROTOCOL)).isEqualTo(Protocol.GRPC);
    assertThat(values.get(MetricsSettings.OTLP_ENDPOINT)).contains(URI.create("http://ours:4317"));
  }

  @ParameterizedTest
  @CsvSource({
    "OTEL_SDK_DISABLED, true",
    "OTEL_METRICS_EXPORTER, none",
    "OTEL_METRICS_EXPORTER, prometheus"
  })
  void pushIsOffWhenTheyAskForItAndOurOwnEndpointIsOnRegardless(String name, String value)
      throws Exception {
    Map<String, String> environment =
        Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318", name, value);

    assertThat(MetricsSettings.otlp(read(environment))).isEmpty();
    assertThat(
            MetricsSettings.otlp(
                read(
                    Map.of("metrics.otlp.endpoint", "http://ours:4317"),
                    environment,
                    Optional.empty())))
        .isPresent();
  }

  @Test
  void everyMalformedVariableIsAProblemUnlessOursIsThere() throws Exception {
    Map<String, String> wrong =
        Map.of(
            "OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318",
            "OTEL_EXPORTER_OTLP_PROTOCOL", "http/json",
            "OTEL_EXPORTER_OTLP_TIMEOUT", "10s",
            "OTEL_EXPORTER_OTLP_HEADERS", "token-without-a-name",
            "OTEL_METRIC_EXPORT_INTERVAL", "1",
            "MESHLENS_LOG_LEVEL", "loud");

    assertThat(problems(wrong))
        .containsExactlyInAnyOrder(
            "environment OTEL_EXPORTER_OTLP_PROTOCOL: \"http/json\": expected grpc or"
                + " http/protobuf",
            "environment OTEL_EXPORTER_OTLP_TIMEOUT: \"10s\": expected a whole number of"
                + " milliseconds",
            "environment OTEL_EXPORTER_OTLP_HEADERS: an element without a name; expected"
                + " NAME=VALUE, with percent-encoded separators and percent signs in the value",
            "environment OTEL_METRIC_EXPORT_INTERVAL: metrics.otlp.interval = \"1ms\": expected a"
                + " duration such as 500ms, 10s or 5m, from 1s to 1h",
            "environment MESHLENS_LOG_LEVEL: log.level = \"loud\": expected debug or info or warn"
                + " or error");
    assertThat(
            read(
                    Map.of("metrics.otlp.protocol", "grpc"),
                    Map.of("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
                    Optional.empty())
                .get(MetricsSettings.OTLP_PROTOCOL))
        .isEqualTo(Protocol.GRPC);
  }

  @Test
  void secretIsShownNeitherByThePrintedConfigurationNorByAProblem() throws Exception {
    String secret = "s3cr3t";
    Configuration values = read(Map.of("OTEL_EXPORTER_OTLP_HEADERS", "authorization=" + secret));
    List<String> problems =
        problems(
            Map.of("MESHLENS_METRICS_OTLP_HEADERS", "bad name=" + secret + ";x=\u00e4" + secret));

    assertThat(values.describe())
        .contains("headers: \"***\"  # environment OTEL_EXPORTER_OTLP_HEADERS")
        .doesNotContain(secret);
    assertThat(problems).hasSize(2).noneMatch(problem -> problem.contains(secret));
  }

  @Test
  void tlsFilesAreLookedAtWhenTheEndpointIsReachedByTls() throws IOException, ConfigException {
    Map<String, String> files =
        Map.of(
            "OTEL_EXPORTER_OTLP_CERTIFICATE", "/none/ca.pem",
            "OTEL_EXPORTER_OTLP_CLIENT_KEY", "/none/key.pem");
    Map<String, String> secured = new java.util.HashMap<>(files);
    secured.put("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c:4318");

    assertThat(problems(secured))
        .containsExactly(
            "metrics.otlp.tls.cert_file and metrics.otlp.tls.key_file belong together: set both or"
                + " neither",
            "metrics.otlp.tls.ca_file: /none/ca.pem: no such file",
            "metrics.otlp.tls.key_file: /none/key.pem: no such file");
    for (ConfigKey<?> key : List.of(MetricsSettings.OTLP_TLS_CA_FILE)) {
      assertThat(read(files).source(key)).isEqualTo("environment OTEL_EXPORTER_OTLP_CERTIFICATE");
    }
  }
}
