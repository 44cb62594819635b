// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.accesslog.ChoiceConfig;
import io.meshlens.app.AccessLogConfig.StdoutLog;
import io.meshlens.app.AccessLogConfig.Way;
import io.meshlens.config.ConfigKey;
import io.meshlens.config.Configuration;
import io.meshlens.config.ValueType;
import io.meshlens.export.AlsAddress;
import io.meshlens.export.AlsConfig;
import io.meshlens.export.AlsNode;
import io.meshlens.export.DeliveryConfig;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Settings of access logs, in the order of the reference page. */
public final class AccessLogSettings {
  public static final ConfigKey<Boolean> STDOUT_ENABLED =
      new ConfigKey<>(
          "access_log.stdout.enabled",
          ValueType.bool(),
          "true",
          "Whether connections are written to stdout, one line each.");
  public static final LineSettings STDOUT_LINES = new LineSettings("stdout");
  public static final ChoiceSettings STDOUT_CHOICE = new ChoiceSettings("stdout");
  public static final ConfigKey<Optional<Duration>> PERIODIC_INTERVAL =
      new ConfigKey<>(
          "access_log.periodic_interval",
          ValueType.optional(ValueType.duration(Duration.ofSeconds(1), Duration.ofHours(24))),
          "",
          "Time between two records of a connection that stays open, for logs without an interval of"
              + " their own; empty for none.");
  public static final ConfigKey<List<AlsAddress>> ALS_ADDRESS =
      new ConfigKey<>(
          "access_log.als.address",
          ValueType.list(AlsAddress.EXPECTATION, AlsAddress::problems, AlsAddress::of),
          "",
          "An Envoy access log service (gRPC, envoy.service.accesslog.v3) to send connections to;"
              + " others take over while it does not answer. Empty for none.");
  public static final ConfigKey<String> ALS_LOG_NAME =
      new ConfigKey<>(
          "access_log.als.log_name",
          ValueType.text(),
          "meshlens",
          "The log_name that the access log service is told.");
  public static final ConfigKey<Integer> ALS_QUEUE_SIZE =
      new ConfigKey<>(
          "access_log.als.queue_size",
          ValueType.integer(1, 1 << 20),
          "8192",
          "Connections that may wait for being encoded for the access log service; more are lost"
              + " and counted.");
  public static final ConfigKey<Integer> ALS_BATCH_RECORDS =
      batchRecords("access_log.als.batch_records", "message");
  public static final ConfigKey<Long> ALS_BATCH_SIZE =
      batchSize("access_log.als.batch_size", "message");
  public static final ConfigKey<Duration> ALS_BATCH_INTERVAL =
      batchInterval("access_log.als.batch_interval", "message");
  public static final ConfigKey<Integer> ALS_STREAMS =
      new ConfigKey<>(
          "access_log.als.streams",
          ValueType.integer(1, 64),
          "1",
          "Streams to the access log service at once, at most: another one is begun when none has"
              + " room; all are confirmed together.");
  public static final ConfigKey<Duration> ALS_STREAM_INTERVAL =
      new ConfigKey<>(
          "access_log.als.stream_interval",
          ValueType.duration(Duration.ofMillis(100), Duration.ofMinutes(10)),
          "5s",
          "Time after which a stream is ended, which is how the service confirms what it got.");
  public static final ChoiceSettings ALS_CHOICE = new ChoiceSettings("als");

  /** All of them. */
  public static final List<ConfigKey<?>> ALL =
      Stream.of(
              List.<ConfigKey<?>>of(STDOUT_ENABLED),
              STDOUT_LINES.keys(),
              STDOUT_CHOICE.keys(),
              List.<ConfigKey<?>>of(
                  PERIODIC_INTERVAL,
                  ALS_ADDRESS,
                  ALS_LOG_NAME,
                  ALS_QUEUE_SIZE,
                  ALS_BATCH_RECORDS,
                  ALS_BATCH_SIZE,
                  ALS_BATCH_INTERVAL,
                  ALS_STREAMS,
                  ALS_STREAM_INTERVAL),
              ALS_CHOICE.keys(),
              AlsTransportSettings.ALL,
              OtlpLogSettings.ALL,
              DeliverySettings.ALL,
              LogFileSettings.ALL)
          .flatMap(List::stream)
          .toList();

  /** What several of them must be together. */
  public static final List<Configuration.Check> CHECKS =
      List.of(STDOUT_LINES.check(), LogFileSettings.LINES.check());

  /** Those of every log that there may be. */
  private static final List<ChoiceSettings> CHOICES =
      List.of(STDOUT_CHOICE, ALS_CHOICE, OtlpLogSettings.CHOICE, LogFileSettings.CHOICE);

  static AccessLogConfig accessLog(Configuration values, AlsNode node, String nodeId) {
    List<AlsAddress> addresses = values.get(ALS_ADDRESS);
    return new AccessLogConfig(
        values.get(STDOUT_ENABLED) ? StdoutLog.ON : StdoutLog.OFF,
        STDOUT_LINES.lines(values, nodeId),
        STDOUT_CHOICE.chosen(values),
        LogFileSettings.file(values, nodeId),
        DeliverySettings.spool(values),
        addresses.isEmpty() ? Optional.empty() : Optional.of(als(addresses, values, node)),
        OtlpLogSettings.otlp(values, nodeId));
  }

  /** Which records each log gets, by the log's name. */
  static Map<String, ChoiceConfig> choices(Configuration values) {
    return CHOICES.stream()
        .collect(Collectors.toMap(ChoiceSettings::log, choice -> choice.choice(values)));
  }

  /** Whether a setting may change while the program runs. */
  static boolean isReloadable(String name) {
    return CHOICES.stream().anyMatch(choice -> choice.isReloadable(name));
  }

  static ConfigKey<Integer> batchRecords(String name, String message) {
    return new ConfigKey<>(
        name, ValueType.integer(1, 65_536), "500", "Records in one " + message + ", at most.");
  }

  static ConfigKey<Long> batchSize(String name, String message) {
    return new ConfigKey<>(
        name,
        ValueType.bytes(1 << 10, 2 << 20),
        "256KiB",
        "Size at which a "
            + message
            + " is closed; receivers of gRPC take no more than 4 MiB unless told otherwise.");
  }

  static ConfigKey<Duration> batchInterval(String name, String message) {
    return new ConfigKey<>(
        name,
        ValueType.duration(Duration.ofMillis(10), Duration.ofMinutes(1)),
        "200ms",
        "Time after which a "
            + message
            + " is closed and spooled; what is in it until then is lost with the process.");
  }

  private static Way<AlsConfig> als(
      List<AlsAddress> addresses, Configuration values, AlsNode node) {
    return new Way<>(
        new AlsConfig(
            AlsTransportSettings.transport(values, addresses),
            node,
            values.get(ALS_LOG_NAME),
            values.get(ALS_STREAMS),
            values.get(ALS_STREAM_INTERVAL)),
        new DeliveryConfig(
            values.get(ALS_QUEUE_SIZE),
            values.get(ALS_BATCH_RECORDS),
            Math.toIntExact(values.get(ALS_BATCH_SIZE)),
            values.get(ALS_BATCH_INTERVAL)),
        ALS_CHOICE.chosen(values));
  }

  private AccessLogSettings() {}
}
