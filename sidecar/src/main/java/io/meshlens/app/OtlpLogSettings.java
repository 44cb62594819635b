// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.app.AccessLogConfig.Way;
import io.meshlens.config.ConfigKey;
import io.meshlens.config.Configuration;
import io.meshlens.config.NamedText;
import io.meshlens.config.ValueType;
import io.meshlens.export.DeliveryConfig;
import io.meshlens.export.OtlpLogConfig;
import io.meshlens.export.OtlpReceiver.Compression;
import io.meshlens.export.OtlpReceiver.Protocol;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Settings of access logs by OTLP. */
public final class OtlpLogSettings {
  private static final OtlpReceiverSettings RECEIVER =
      new OtlpReceiverSettings(
          "access_log.otlp",
          "An OpenTelemetry receiver to push connections to as log records, such as"
              + " http://collector:4317; http/protobuf adds /v1/logs where there is no path.",
          "Whether requests are compressed; gzip costs processor time here and saves nine tenths of"
              + " the bytes.");

  public static final ConfigKey<Optional<URI>> ENDPOINT = RECEIVER.endpoint();
  public static final ConfigKey<Protocol> PROTOCOL = RECEIVER.protocol();
  public static final ConfigKey<Duration> TIMEOUT = RECEIVER.timeout();
  public static final ConfigKey<Compression> COMPRESSION = RECEIVER.compression();
  public static final ConfigKey<List<NamedText>> HEADERS = RECEIVER.headers();
  public static final ConfigKey<String> TLS_CA_FILE = RECEIVER.tlsCaFile();
  public static final ConfigKey<String> TLS_CERT_FILE = RECEIVER.tlsCertFile();
  public static final ConfigKey<String> TLS_KEY_FILE = RECEIVER.tlsKeyFile();
  public static final ConfigKey<Integer> QUEUE_SIZE =
      new ConfigKey<>(
          "access_log.otlp.queue_size",
          ValueType.integer(1, 1 << 20),
          "8192",
          "Connections that may wait for being encoded for the receiver; more are lost and"
              + " counted.");
  public static final ConfigKey<Integer> BATCH_RECORDS =
      AccessLogSettings.batchRecords("access_log.otlp.batch_records", "request");
  public static final ConfigKey<Long> BATCH_SIZE =
      AccessLogSettings.batchSize("access_log.otlp.batch_size", "request");
  public static final ConfigKey<Duration> BATCH_INTERVAL =
      AccessLogSettings.batchInterval("access_log.otlp.batch_interval", "request");
  public static final ChoiceSettings CHOICE = new ChoiceSettings("otlp");

  /** All of them. */
  public static final List<ConfigKey<?>> ALL =
      Stream.concat(
              Stream.<ConfigKey<?>>of(
                  ENDPOINT,
                  PROTOCOL,
                  TIMEOUT,
                  COMPRESSION,
                  HEADERS,
                  TLS_CA_FILE,
                  TLS_CERT_FILE,
                  TLS_KEY_FILE,
                  QUEUE_SIZE,
                  BATCH_RECORDS,
                  BATCH_SIZE,
                  BATCH_INTERVAL),
              CHOICE.keys().stream())
          .toList();

  /** What several of them must be together. */
  public static final List<Configuration.Check> CHECKS = List.of(RECEIVER.check());

  static Optional<Way<OtlpLogConfig>> otlp(Configuration values, String nodeId) {
    return RECEIVER
        .receiver(values)
        .map(
            receiver ->
                new Way<>(
                    new OtlpLogConfig(receiver, nodeId, values.get(Settings.NODE_CLUSTER)),
                    new DeliveryConfig(
                        values.get(QUEUE_SIZE),
                        values.get(BATCH_RECORDS),
                        Math.toIntExact(values.get(BATCH_SIZE)),
                        values.get(BATCH_INTERVAL)),
                    CHOICE.chosen(values)));
  }

  private OtlpLogSettings() {}
}
