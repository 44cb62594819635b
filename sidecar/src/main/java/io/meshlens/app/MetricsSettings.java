// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.config.ConfigKey;
import io.meshlens.config.Configuration;
import io.meshlens.config.ValueType;
import io.meshlens.export.OtlpConfig;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Settings of metrics, in the order of the reference page. */
public final class MetricsSettings {
  public static final ConfigKey<Optional<URI>> OTLP_ENDPOINT =
      new ConfigKey<>(
          "metrics.otlp.endpoint",
          ValueType.optional(ValueType.httpUri()),
          "",
          "An OpenTelemetry receiver to push metrics to, such as http://collector:4317.");
  public static final ConfigKey<OtlpConfig.Protocol> OTLP_PROTOCOL =
      new ConfigKey<>(
          "metrics.otlp.protocol",
          ValueType.oneOf(OtlpConfig.Protocol.class, OtlpConfig.Protocol::label),
          "grpc",
          "How to speak to the receiver; usually port 4317 is grpc and 4318 http/protobuf.");
  public static final ConfigKey<Duration> OTLP_INTERVAL =
      new ConfigKey<>(
          "metrics.otlp.interval",
          ValueType.duration(Duration.ofSeconds(1), Duration.ofHours(1)),
          "10s",
          "Time between two pushes.");

  /** All of them. */
  public static final List<ConfigKey<?>> ALL = List.of(OTLP_ENDPOINT, OTLP_PROTOCOL, OTLP_INTERVAL);

  static Optional<OtlpConfig> otlp(Configuration values) {
    return values
        .get(OTLP_ENDPOINT)
        .map(
            endpoint ->
                new OtlpConfig(endpoint, values.get(OTLP_PROTOCOL), values.get(OTLP_INTERVAL)));
  }

  private MetricsSettings() {}
}
