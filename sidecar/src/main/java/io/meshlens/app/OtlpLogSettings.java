// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import com.google.common.base.Splitter;
import io.meshlens.app.AccessLogConfig.Way;
import io.meshlens.config.ConfigKey;
import io.meshlens.config.Configuration;
import io.meshlens.config.ValueType;
import io.meshlens.export.DeliveryConfig;
import io.meshlens.export.OtlpConfig;
import io.meshlens.export.OtlpLogConfig;
import io.meshlens.export.OtlpLogConfig.Compression;
import io.meshlens.export.OtlpLogConfig.Header;
import io.meshlens.export.TlsFiles;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Settings of access logs by OTLP. */
public final class OtlpLogSettings {
  public static final ConfigKey<Optional<URI>> ENDPOINT =
      new ConfigKey<>(
          "access_log.otlp.endpoint",
          ValueType.optional(ValueType.httpUri()),
          "",
          "An OpenTelemetry receiver to push connections to as log records, such as"
              + " http://collector:4317; http/protobuf adds /v1/logs where there is no path.");
  public static final ConfigKey<OtlpConfig.Protocol> PROTOCOL =
      new ConfigKey<>(
          "access_log.otlp.protocol",
          ValueType.oneOf(OtlpConfig.Protocol.class, OtlpConfig.Protocol::label),
          "grpc",
          "How to speak to the receiver; usually port 4317 is grpc and 4318 http/protobuf.");
  public static final ConfigKey<Duration> TIMEOUT =
      new ConfigKey<>(
          "access_log.otlp.timeout",
          ValueType.duration(Duration.ofMillis(100), Duration.ofMinutes(5)),
          "10s",
          "How long the receiver may take to answer one request.");
  public static final ConfigKey<Compression> COMPRESSION =
      new ConfigKey<>(
          "access_log.otlp.compression",
          ValueType.oneOf(Compression.class, Compression::label),
          "none",
          "Whether requests are compressed; gzip costs processor time here and saves nine tenths of"
              + " the bytes.");
  public static final ConfigKey<List<Header>> HEADERS =
      new ConfigKey<>(
          "access_log.otlp.headers",
          ValueType.list(
              "elements NAME=VALUE, separated by semicolons or a list in the file",
              OtlpLogSettings::headerProblems,
              OtlpLogSettings::header),
          "",
          "Headers of every request, such as a token; never shown.",
          ConfigKey.Visibility.SECRET);
  public static final ConfigKey<String> TLS_CA_FILE =
      new ConfigKey<>(
          "access_log.otlp.tls.ca_file",
          ValueType.text(),
          "",
          "Certificates (PEM) of the authorities that may vouch for the receiver of an https://"
              + " endpoint; empty for those of the Java runtime.");
  public static final ConfigKey<String> TLS_CERT_FILE =
      new ConfigKey<>(
          "access_log.otlp.tls.cert_file",
          ValueType.text(),
          "",
          "Certificate chain (PEM) by which the receiver knows us, for mutual TLS.");
  public static final ConfigKey<String> TLS_KEY_FILE =
      new ConfigKey<>(
          "access_log.otlp.tls.key_file",
          ValueType.text(),
          "",
          "Private key (PEM, PKCS #8, no passphrase) of that certificate.");
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
  public static final List<Configuration.Check> CHECKS =
      List.of(
          new Configuration.Check(
              List.of(ENDPOINT, TLS_CA_FILE, TLS_CERT_FILE, TLS_KEY_FILE),
              values ->
                  values.get(ENDPOINT).filter(OtlpLogConfig::isTls).isPresent()
                      ? tls(values).problems("access_log.otlp.tls")
                      : List.of()));

  static Optional<Way<OtlpLogConfig>> otlp(Configuration values, String nodeId) {
    return values
        .get(ENDPOINT)
        .map(
            endpoint ->
                new Way<>(
                    new OtlpLogConfig(
                        endpoint,
                        values.get(PROTOCOL),
                        values.get(TIMEOUT),
                        values.get(COMPRESSION),
                        values.get(HEADERS),
                        tls(values),
                        nodeId,
                        values.get(Settings.NODE_CLUSTER)),
                    new DeliveryConfig(
                        values.get(QUEUE_SIZE),
                        values.get(BATCH_RECORDS),
                        Math.toIntExact(values.get(BATCH_SIZE)),
                        values.get(BATCH_INTERVAL)),
                    CHOICE.chosen(values)));
  }

  /** Without the value, which may be a secret. */
  private static List<String> headerProblems(String text) {
    if (!text.matches("(?s)[!#$%&'*+.^_`|~0-9A-Za-z-]+=.*")) {
      return List.of("an element is not NAME=VALUE with the name of a header");
    }
    return header(text).value().matches("[\\x20-\\x7e]*")
        ? List.of()
        : List.of(header(text).name() + ": a header's value has visible ASCII characters only");
  }

  private static Header header(String text) {
    List<String> parts = Splitter.on('=').limit(2).splitToList(text);
    return new Header(parts.getFirst().strip(), parts.getLast().strip());
  }

  private static TlsFiles tls(Configuration values) {
    return new TlsFiles(
        file(values.get(TLS_CA_FILE)),
        file(values.get(TLS_CERT_FILE)),
        file(values.get(TLS_KEY_FILE)));
  }

  private static Optional<Path> file(String text) {
    return text.isEmpty() ? Optional.empty() : Optional.of(Path.of(text));
  }

  private OtlpLogSettings() {}
}
