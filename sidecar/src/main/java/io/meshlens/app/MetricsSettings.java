// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.config.ConfigKey;
import io.meshlens.config.Configuration;
import io.meshlens.config.NamedText;
import io.meshlens.config.ValueType;
import io.meshlens.export.OtlpConfig;
import io.meshlens.export.OtlpConfig.Histograms;
import io.meshlens.export.OtlpConfig.Temporality;
import io.meshlens.export.OtlpReceiver.Compression;
import io.meshlens.export.OtlpReceiver.Protocol;
import io.meshlens.export.ResourceConfig;
import io.meshlens.metrics.AttributeRules;
import io.meshlens.metrics.AttributeRules.Rule;
import io.meshlens.metrics.Detail;
import io.meshlens.metrics.MetricsConfig;
import io.meshlens.metrics.Profile;
import java.net.URI;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Settings of metrics, in the order of the reference page. */
public final class MetricsSettings {
  private static final OtlpReceiverSettings RECEIVER =
      new OtlpReceiverSettings(
          "metrics.otlp",
          "An OpenTelemetry receiver to push metrics to, such as http://collector:4317; http/protobuf"
              + " adds /v1/metrics where there is no path.",
          "Whether requests are compressed; gzip saves most of the bytes and costs processor time.");

  public static final ConfigKey<Profile> PROFILE =
      new ConfigKey<>(
          "metrics.profile",
          ValueType.oneOf(Profile.class, Profile::label),
          "otel",
          "In whose words metrics about connections are named: OpenTelemetry's, Istio's (for its"
              + " dashboards and Kiali) or Kmesh's; see docs/metrics.md.");
  public static final ConfigKey<Optional<Detail>> DETAIL =
      new ConfigKey<>(
          "metrics.detail",
          ValueType.optional(ValueType.oneOf(Detail.class, Detail::label)),
          "",
          "What gets a series of its own; empty for workloads where a source of identities is"
              + " configured, else addresses.");
  public static final ConfigKey<List<Rule>> ATTRIBUTES_INCLUDE =
      new ConfigKey<>(
          "metrics.attributes.include",
          ValueType.list(AttributeRules.EXPECTATION, AttributeRules::problems, Rule::new),
          "",
          "If a rule is for a metric, the only attributes that it has; reporter is always there.");
  public static final ConfigKey<List<Rule>> ATTRIBUTES_EXCLUDE =
      new ConfigKey<>(
          "metrics.attributes.exclude",
          ValueType.list("as metrics.attributes.include", AttributeRules::problems, Rule::new),
          "",
          "Attributes that metrics do not have; series that differ in nothing else are one.");
  public static final ConfigKey<Integer> MAX_SERIES =
      new ConfigKey<>(
          "metrics.max_series",
          ValueType.integer(1, 1 << 20),
          "10000",
          "Label sets that a metric may have; what does not fit is added to one overflow series for"
              + " each reporter.");
  public static final ConfigKey<Duration> IDLE_TIMEOUT =
      new ConfigKey<>(
          "metrics.idle_timeout",
          ValueType.duration(Duration.ofSeconds(1), Duration.ofDays(7)),
          "1h",
          "Series without a change and without an open connection leave after this time.");
  public static final ConfigKey<Optional<URI>> OTLP_ENDPOINT = RECEIVER.endpoint();
  public static final ConfigKey<Protocol> OTLP_PROTOCOL = RECEIVER.protocol();
  public static final ConfigKey<Duration> OTLP_INTERVAL =
      new ConfigKey<>(
          "metrics.otlp.interval",
          ValueType.duration(Duration.ofSeconds(1), Duration.ofHours(1)),
          "10s",
          "Time between two pushes.");
  public static final ConfigKey<Duration> OTLP_TIMEOUT = RECEIVER.timeout();
  public static final ConfigKey<Duration> OTLP_EXPORT_TIMEOUT =
      new ConfigKey<>(
          "metrics.otlp.export_timeout",
          ValueType.duration(Duration.ofMillis(100), Duration.ofMinutes(5)),
          "30s",
          "How long a push may take with all its requests and retries; never longer than the"
              + " interval.");
  public static final ConfigKey<Compression> OTLP_COMPRESSION = RECEIVER.compression();
  public static final ConfigKey<List<NamedText>> OTLP_HEADERS = RECEIVER.headers();
  public static final ConfigKey<String> OTLP_TLS_CA_FILE = RECEIVER.tlsCaFile();
  public static final ConfigKey<String> OTLP_TLS_CERT_FILE = RECEIVER.tlsCertFile();
  public static final ConfigKey<String> OTLP_TLS_KEY_FILE = RECEIVER.tlsKeyFile();
  public static final ConfigKey<Temporality> OTLP_TEMPORALITY =
      new ConfigKey<>(
          "metrics.otlp.temporality",
          ValueType.oneOf(Temporality.class, Temporality::label),
          "cumulative",
          "Whether pushed sums count from their start or from the last push that was accepted;"
              + " lowmemory does the latter for histograms only.");
  public static final ConfigKey<Histograms> OTLP_HISTOGRAMS =
      new ConfigKey<>(
          "metrics.otlp.histograms",
          ValueType.oneOf(Histograms.class, Histograms::label),
          "exponential",
          "Form of pushed histograms: base-2 exponential, or buckets with bounds at powers of two.");
  public static final ConfigKey<List<NamedText>> RESOURCE_ATTRIBUTES =
      new ConfigKey<>(
          "resource.attributes",
          ValueType.list(
              "elements NAME=VALUE, separated by semicolons or a list in the file; values"
                  + " percent-encoded where they hold a semicolon or a percent sign",
              NamedText::problems,
              NamedText::of),
          "",
          "Attributes of the resource in pushed metrics, beside and before those that are found out.");
  public static final ConfigKey<String> RESOURCE_SERVICE_NAME =
      new ConfigKey<>(
          "resource.service_name",
          ValueType.text(),
          "",
          "The resource's service.name; empty for that of resource.attributes, else meshlens.");

  /** All of them. */
  public static final List<ConfigKey<?>> ALL =
      List.of(
          PROFILE,
          DETAIL,
          ATTRIBUTES_INCLUDE,
          ATTRIBUTES_EXCLUDE,
          MAX_SERIES,
          IDLE_TIMEOUT,
          OTLP_ENDPOINT,
          OTLP_PROTOCOL,
          OTLP_INTERVAL,
          OTLP_TIMEOUT,
          OTLP_EXPORT_TIMEOUT,
          OTLP_COMPRESSION,
          OTLP_HEADERS,
          OTLP_TLS_CA_FILE,
          OTLP_TLS_CERT_FILE,
          OTLP_TLS_KEY_FILE,
          OTLP_TEMPORALITY,
          OTLP_HISTOGRAMS,
          RESOURCE_ATTRIBUTES,
          RESOURCE_SERVICE_NAME);

  /** What several of them must be together. */
  public static final List<Configuration.Check> CHECKS =
      List.of(
          new Configuration.Check(
              List.of(PROFILE, ATTRIBUTES_INCLUDE, ATTRIBUTES_EXCLUDE),
              values -> rules(values).problems(values.get(PROFILE))),
          RECEIVER.check());

  static MetricsConfig metrics(Configuration values) {
    return new MetricsConfig(
        values.get(PROFILE),
        values.get(DETAIL),
        rules(values),
        values.get(MAX_SERIES),
        values.get(IDLE_TIMEOUT));
  }

  private static AttributeRules rules(Configuration values) {
    return new AttributeRules(values.get(ATTRIBUTES_INCLUDE), values.get(ATTRIBUTES_EXCLUDE));
  }

  static Optional<OtlpConfig> otlp(Configuration values) {
    return RECEIVER
        .receiver(values)
        .map(
            receiver ->
                new OtlpConfig(
                    receiver,
                    values.get(OTLP_INTERVAL),
                    values.get(OTLP_EXPORT_TIMEOUT),
                    values.get(OTLP_TEMPORALITY),
                    values.get(OTLP_HISTOGRAMS)));
  }

  static ResourceConfig resource(Configuration values, String nodeId) {
    Map<String, String> attributes = new LinkedHashMap<>();
    values.get(RESOURCE_ATTRIBUTES).forEach(text -> attributes.put(text.name(), text.value()));
    return new ResourceConfig(
        Optional.of(values.get(RESOURCE_SERVICE_NAME)).filter(name -> !name.isEmpty()),
        attributes,
        nodeId,
        Optional.of(values.get(Settings.NODE_CLUSTER)).filter(name -> !name.isEmpty()));
  }

  private MetricsSettings() {}
}
