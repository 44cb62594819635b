// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import com.google.common.net.HostAndPort;
import io.meshlens.config.ConfigKey;
import io.meshlens.config.Configuration;
import io.meshlens.config.ValueType;
import io.meshlens.export.OtlpConfig;
import io.meshlens.kernel.FilterRule;
import io.meshlens.vitals.Log;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Every setting, in the order of the reference page. */
public final class Settings {
  /** {@code cgroup: auto} and {@code kernel.pin_path: auto}. */
  public static final String AUTO = "auto";

  /** {@code kernel.pin_path: off}. */
  public static final String OFF = "off";

  private static final int KIB = 1 << 10;
  private static final int MIB = 1 << 20;

  public static final ConfigKey<String> CGROUP =
      new ConfigKey<>(
          "cgroup",
          ValueType.text(),
          AUTO,
          "Directory of the cgroup v2 file system whose sockets are watched, with everything below"
              + " it; auto is the root, wherever it is mounted.");
  public static final ConfigKey<HostAndPort> TELEMETRY_ADDRESS =
      new ConfigKey<>(
          "telemetry.address",
          ValueType.hostAndPort(),
          "127.0.0.1:15020",
          "Where /metrics, /healthz and /readyz are served; port 0 takes any free one.");
  public static final ConfigKey<Integer> RING_SIZE =
      new ConfigKey<>(
          "kernel.ring_size",
          ValueType.powerOfTwoBytes(4 * KIB, 512 * MIB),
          "8MiB",
          "Size of the ring that carries connection records out of the kernel, 240 bytes each.");
  public static final ConfigKey<Integer> MAX_ADDRESS_PAIRS =
      new ConfigKey<>(
          "kernel.max_address_pairs",
          ValueType.integer(1, 1 << 20),
          "16384",
          "Rows of the kernel's map of sums; what does not fit is added to one overflow series.");
  public static final ConfigKey<Integer> MAX_SOCKETS =
      new ConfigKey<>(
          "kernel.max_sockets",
          ValueType.integer(2048, 1 << 22),
          "131072",
          "Sockets that are tracked at a time; connections beyond are only counted, as untracked.");
  public static final ConfigKey<String> PIN_PATH =
      new ConfigKey<>(
          "kernel.pin_path",
          ValueType.text(),
          AUTO,
          "Directory of a BPF file system where programs and sums outlive a restart; auto is"
              + " /sys/fs/bpf/meshlens if one is mounted there, off none. `meshlens detach` removes"
              + " them.");
  public static final ConfigKey<Boolean> CONNTRACK =
      new ConfigKey<>(
          "kernel.conntrack",
          ValueType.bool(),
          "true",
          "Whether netfilter's connection tracking is asked for the addresses before translation.");
  public static final ConfigKey<List<FilterRule>> FILTER_EXCLUDE =
      new ConfigKey<>(
          "filter.exclude",
          ValueType.list(FilterRule.EXPECTATION, FilterRule::problems, FilterRule::of),
          "",
          "Connections that are not watched: those that one of the rules fits.");
  public static final ConfigKey<List<FilterRule>> FILTER_INCLUDE =
      new ConfigKey<>(
          "filter.include",
          ValueType.list("as filter.exclude", FilterRule::problems, FilterRule::of),
          "",
          "If not empty, the only connections that are watched: those that one of these rules fits,"
              + " and none of filter.exclude.");
  public static final ConfigKey<Boolean> FILTER_OWN_TRAFFIC =
      new ConfigKey<>(
          "filter.own_traffic",
          ValueType.bool(),
          "false",
          "Whether the program's own connections are watched: those that it makes, and those to its"
              + " telemetry.address.");
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
          "Name of the cluster that this node belongs to, for the access log service.");
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

  /** All of them. */
  public static final List<ConfigKey<?>> ALL =
      List.of(
          CGROUP,
          TELEMETRY_ADDRESS,
          RING_SIZE,
          MAX_ADDRESS_PAIRS,
          MAX_SOCKETS,
          PIN_PATH,
          CONNTRACK,
          FILTER_EXCLUDE,
          FILTER_INCLUDE,
          FILTER_OWN_TRAFFIC,
          STDOUT_ENABLED,
          PERIODIC_INTERVAL,
          ALS_ADDRESS,
          ALS_LOG_NAME,
          ALS_TLS,
          ALS_QUEUE_SIZE,
          OTLP_ENDPOINT,
          OTLP_PROTOCOL,
          OTLP_INTERVAL,
          NODE_ID,
          NODE_CLUSTER,
          SHUTDOWN_TIMEOUT,
          LOG_LEVEL);

  /** What several of them must be together. */
  public static final List<Configuration.Check> CHECKS =
      List.of(
          new Configuration.Check(
              List.of(FILTER_EXCLUDE, FILTER_INCLUDE, FILTER_OWN_TRAFFIC),
              values -> SidecarConfig.filter(values).problems()));

  private Settings() {}
}
