// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import com.google.common.net.HostAndPort;
import io.meshlens.config.ConfigKey;
import io.meshlens.config.Configuration;
import io.meshlens.config.ValueType;
import io.meshlens.vitals.Log;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** Every setting: the general ones, and those of each room. */
public final class Settings {
  public static final ConfigKey<HostAndPort> TELEMETRY_ADDRESS =
      new ConfigKey<>(
          "telemetry.address",
          ValueType.hostAndPort(),
          "127.0.0.1:15020",
          "Where /metrics, /healthz and /readyz are served; port 0 takes any free one.");
  public static final ConfigKey<String> NODE_ID =
      new ConfigKey<>(
          "node.id",
          ValueType.text(),
          "",
          "Name of this node for the access log service and in metrics; empty for the host name.");
  public static final ConfigKey<String> NODE_CLUSTER =
      new ConfigKey<>(
          "node.cluster",
          ValueType.text(),
          "",
          "Name of the cluster that this node belongs to, for the access log service, identities and metrics.");
  public static final ConfigKey<Duration> SHUTDOWN_TIMEOUT =
      new ConfigKey<>(
          "shutdown.timeout",
          ValueType.duration(Duration.ofSeconds(1), Duration.ofMinutes(5)),
          "10s",
          "How long the end may take: draining the ring, flushing logs and metrics, detaching.");
  public static final ConfigKey<Log.Level> LOG_LEVEL =
      new ConfigKey<>(
          "log.level",
          ValueType.oneOf(Log.Level.class, level -> level.name().toLowerCase(Locale.ROOT)),
          "info",
          "Least important messages of the program itself to print on stderr.");

  /** All, in the order of the reference page. */
  public static final List<ConfigKey<?>> ALL =
      Stream.of(
              KernelSettings.ALL,
              AccessLogSettings.ALL,
              MetricsSettings.ALL,
              IdentitySettings.ALL,
              IstioSettings.ALL,
              List.<ConfigKey<?>>of(
                  TELEMETRY_ADDRESS, NODE_ID, NODE_CLUSTER, SHUTDOWN_TIMEOUT, LOG_LEVEL),
              NodeSettings.ALL)
          .flatMap(List::stream)
          .toList();

  /** What several of them must be together. */
  public static final List<Configuration.Check> CHECKS =
      Stream.of(
              KernelSettings.CHECKS,
              AccessLogSettings.CHECKS,
              AlsTransportSettings.CHECKS,
              OtlpLogSettings.CHECKS,
              DeliverySettings.CHECKS,
              MetricsSettings.CHECKS,
              IstioSettings.CHECKS,
              NodeSettings.CHECKS)
          .flatMap(List::stream)
          .toList();

  private Settings() {}
}
