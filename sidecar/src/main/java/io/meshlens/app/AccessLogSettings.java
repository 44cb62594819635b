// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import com.google.common.net.HostAndPort;
import io.meshlens.app.AccessLogConfig.StdoutLog;
import io.meshlens.config.ConfigKey;
import io.meshlens.config.Configuration;
import io.meshlens.config.ValueType;
import io.meshlens.export.AlsConfig;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Settings of access logs, in the order of the reference page. */
public final class AccessLogSettings {
  public static final ConfigKey<Boolean> STDOUT_ENABLED =
      new ConfigKey<>(
          "access_log.stdout.enabled",
          ValueType.bool(),
          "true",
          "Whether connections are written to stdout, one JSON line each.");
  public static final ConfigKey<Optional<Duration>> PERIODIC_INTERVAL =
      new ConfigKey<>(
          "access_log.periodic_interval",
          ValueType.optional(ValueType.duration(Duration.ofSeconds(1), Duration.ofHours(24))),
          "",
          "Time between two records of a connection that stays open; empty for none.");
  public static final ConfigKey<Optional<HostAndPort>> ALS_ADDRESS =
      new ConfigKey<>(
          "access_log.als.address",
          ValueType.optional(ValueType.hostAndPort()),
          "",
          "An Envoy access log service (gRPC, envoy.service.accesslog.v3) to send connections to.");
  public static final ConfigKey<String> ALS_LOG_NAME =
      new ConfigKey<>(
          "access_log.als.log_name",
          ValueType.text(),
          "meshlens",
          "The log_name that the access log service is told.");
  public static final ConfigKey<Boolean> ALS_TLS =
      new ConfigKey<>(
          "access_log.als.tls",
          ValueType.bool(),
          "false",
          "Whether to use TLS, trusting the system's certificates.");
  public static final ConfigKey<Integer> ALS_QUEUE_SIZE =
      new ConfigKey<>(
          "access_log.als.queue_size",
          ValueType.integer(1, 1 << 20),
          "8192",
          "Connections that may wait for the access log service; more are lost and counted.");

  /** All of them. */
  public static final List<ConfigKey<?>> ALL =
      List.of(
          STDOUT_ENABLED, PERIODIC_INTERVAL, ALS_ADDRESS, ALS_LOG_NAME, ALS_TLS, ALS_QUEUE_SIZE);

  static AccessLogConfig accessLog(Configuration values, String nodeId) {
    return new AccessLogConfig(
        values.get(STDOUT_ENABLED) ? StdoutLog.ON : StdoutLog.OFF,
        values.get(PERIODIC_INTERVAL),
        values.get(ALS_ADDRESS).map(address -> als(address, values, nodeId)));
  }

  private static AlsConfig als(HostAndPort address, Configuration values, String nodeId) {
    return new AlsConfig(
        address,
        values.get(ALS_TLS) ? AlsConfig.Transport.TLS : AlsConfig.Transport.PLAINTEXT,
        values.get(ALS_LOG_NAME),
        values.get(ALS_QUEUE_SIZE),
        nodeId,
        values.get(Settings.NODE_CLUSTER));
  }

  private AccessLogSettings() {}
}
