// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.config.ConfigKey;
import io.meshlens.config.Configuration;
import io.meshlens.config.NamedText;
import io.meshlens.config.ValueType;
import io.meshlens.export.OtlpReceiver;
import io.meshlens.export.OtlpReceiver.Compression;
import io.meshlens.export.OtlpReceiver.Header;
import io.meshlens.export.OtlpReceiver.Protocol;
import io.meshlens.export.TlsFiles;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** How an OTLP receiver is reached; each that we push to has all of these. */
final class OtlpReceiverSettings {
  private final String prefix;
  private final ConfigKey<Optional<URI>> endpoint;
  private final ConfigKey<Protocol> protocol;
  private final ConfigKey<Duration> timeout;
  private final ConfigKey<Compression> compression;
  private final ConfigKey<List<NamedText>> headers;
  private final ConfigKey<String> tlsCaFile;
  private final ConfigKey<String> tlsCertFile;
  private final ConfigKey<String> tlsKeyFile;

  /**
   * Those that begin with a prefix.
   *
   * @param endpointHelp what is pushed there, and at which path
   * @param compressionHelp what it costs there
   */
  OtlpReceiverSettings(String prefix, String endpointHelp, String compressionHelp) {
    this.prefix = prefix;
    endpoint = key("endpoint", ValueType.optional(ValueType.httpUri()), "", endpointHelp);
    protocol =
        key(
            "protocol",
            ValueType.oneOf(Protocol.class, Protocol::label),
            "grpc",
            "How to speak to the receiver; usually port 4317 is grpc and 4318 http/protobuf.");
    timeout =
        key(
            "timeout",
            ValueType.duration(Duration.ofMillis(100), Duration.ofMinutes(5)),
            "10s",
            "How long the receiver may take to answer one request.");
    compression =
        key(
            "compression",
            ValueType.oneOf(Compression.class, Compression::label),
            "none",
            compressionHelp);
    headers =
        new ConfigKey<>(
            prefix + ".headers",
            ValueType.list(
                "elements NAME=VALUE, separated by semicolons or a list in the file; values"
                    + " percent-encoded where they hold a semicolon or a percent sign",
                OtlpReceiverSettings::headerProblems,
                NamedText::of),
            "",
            "Headers of every request, such as a token; never shown.",
            ConfigKey.Visibility.SECRET);
    tlsCaFile =
        key(
            "tls.ca_file",
            ValueType.text(),
            "",
            "Certificates (PEM) of the authorities that may vouch for the receiver of an https://"
                + " endpoint; empty for those of the Java runtime.");
    tlsCertFile =
        key(
            "tls.cert_file",
            ValueType.text(),
            "",
            "Certificate chain (PEM) by which the receiver knows us, for mutual TLS.");
    tlsKeyFile =
        key(
            "tls.key_file",
            ValueType.text(),
            "",
            "Private key (PEM, PKCS #8, no passphrase) of that certificate; all three files are read"
                + " again when they change.");
  }

  private <T> ConfigKey<T> key(String name, ValueType<T> type, String initial, String help) {
    return new ConfigKey<>(prefix + "." + name, type, initial, help);
  }

  ConfigKey<Optional<URI>> endpoint() {
    return endpoint;
  }

  ConfigKey<Protocol> protocol() {
    return protocol;
  }

  ConfigKey<Duration> timeout() {
    return timeout;
  }

  ConfigKey<Compression> compression() {
    return compression;
  }

  ConfigKey<List<NamedText>> headers() {
    return headers;
  }

  ConfigKey<String> tlsCaFile() {
    return tlsCaFile;
  }

  ConfigKey<String> tlsCertFile() {
    return tlsCertFile;
  }

  ConfigKey<String> tlsKeyFile() {
    return tlsKeyFile;
  }

  /** That the files of TLS can be used where they will be. */
  Configuration.Check check() {
    return new Configuration.Check(
        List.of(endpoint, tlsCaFile, tlsCertFile, tlsKeyFile),
        values ->
            values.get(endpoint).filter(OtlpReceiver::isTls).isPresent()
                ? tls(values).problems(prefix + ".tls")
                : List.of());
  }

  /** Nothing without an endpoint. */
  Optional<OtlpReceiver> receiver(Configuration values) {
    return values
        .get(endpoint)
        .map(
            to ->
                new OtlpReceiver(
                    to,
                    values.get(protocol),
                    values.get(timeout),
                    values.get(compression),
                    values.get(headers).stream().map(OtlpReceiverSettings::header).toList(),
                    tls(values)));
  }

  /** Without the value, which may be a secret. */
  private static List<String> headerProblems(String text) {
    List<String> problems = NamedText.problems(text);
    return problems.isEmpty() ? header(NamedText.of(text)).problems() : problems;
  }

  private static Header header(NamedText text) {
    return new Header(text.name(), text.value());
  }

  private TlsFiles tls(Configuration values) {
    return new TlsFiles(
        file(values.get(tlsCaFile)), file(values.get(tlsCertFile)), file(values.get(tlsKeyFile)));
  }

  private static Optional<Path> file(String text) {
    return text.isEmpty() ? Optional.empty() : Optional.of(Path.of(text));
  }
}
