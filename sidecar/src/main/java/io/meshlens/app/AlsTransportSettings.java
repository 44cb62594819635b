// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.config.ConfigKey;
import io.meshlens.config.Configuration;
import io.meshlens.config.NamedText;
import io.meshlens.config.ValueType;
import io.meshlens.export.AlsAddress;
import io.meshlens.export.AlsTransport;
import io.meshlens.export.TlsFiles;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Settings of the way to an access log service, in the order of the reference page. */
public final class AlsTransportSettings {
  private static final String TLS = "access_log.als.tls";
  private static final String HEADER_NAME = "[0-9A-Za-z._-]+";

  public static final ConfigKey<Boolean> TLS_ENABLED =
      new ConfigKey<>(
          TLS + ".enabled",
          ValueType.bool(),
          "false",
          "Whether to use TLS to the access log service.");
  public static final ConfigKey<String> TLS_CA_FILE =
      new ConfigKey<>(
          TLS + ".ca_file",
          ValueType.text(),
          "",
          "Certificates (PEM) of the authorities that may vouch for the access log service; empty"
              + " for those of the Java runtime.");
  public static final ConfigKey<String> TLS_CERT_FILE =
      new ConfigKey<>(
          TLS + ".cert_file",
          ValueType.text(),
          "",
          "Certificate chain (PEM) by which the access log service knows us, for mutual TLS.");
  public static final ConfigKey<String> TLS_KEY_FILE =
      new ConfigKey<>(
          TLS + ".key_file",
          ValueType.text(),
          "",
          "Private key (PEM, PKCS #8, no passphrase) of that certificate; all three files are read"
              + " again when they change.");
  public static final ConfigKey<String> AUTHORITY =
      new ConfigKey<>(
          "access_log.als.authority",
          ValueType.text(),
          "",
          "What the access log service is called in requests, and in its certificate; empty for the"
              + " host of its address.");
  public static final ConfigKey<List<NamedText>> HEADERS =
      new ConfigKey<>(
          "access_log.als.headers",
          ValueType.list(
              "elements NAME=VALUE, separated by semicolons or a list in the file; values"
                  + " percent-encoded where they hold a semicolon or a percent sign",
              AlsTransportSettings::headerProblems,
              NamedText::of),
          "",
          "Headers of every stream, such as a token; never shown.",
          ConfigKey.Visibility.SECRET);
  public static final ConfigKey<Optional<Duration>> KEEP_ALIVE =
      new ConfigKey<>(
          "access_log.als.keep_alive",
          ValueType.optional(ValueType.duration(Duration.ofSeconds(10), Duration.ofHours(1))),
          "30s",
          "Silence on a connection with a stream after which it is tried by a ping; empty for"
              + " never.");

  /** All of them. */
  public static final List<ConfigKey<?>> ALL =
      List.of(
          TLS_ENABLED, TLS_CA_FILE, TLS_CERT_FILE, TLS_KEY_FILE, AUTHORITY, HEADERS, KEEP_ALIVE);

  /** What several of them must be together. */
  public static final List<Configuration.Check> CHECKS =
      List.of(
          new Configuration.Check(
              List.of(TLS_ENABLED, TLS_CA_FILE, TLS_CERT_FILE, TLS_KEY_FILE),
              AlsTransportSettings::tlsProblems));

  static AlsTransport transport(Configuration values, List<AlsAddress> addresses) {
    Map<String, String> headers = new LinkedHashMap<>();
    values.get(HEADERS).forEach(h -> headers.put(h.name().toLowerCase(Locale.ROOT), h.value()));
    return new AlsTransport(
        addresses,
        values.get(TLS_ENABLED) ? Optional.of(files(values)) : Optional.empty(),
        Optional.of(values.get(AUTHORITY)).filter(name -> !name.isEmpty()),
        headers,
        values.get(KEEP_ALIVE));
  }

  private static TlsFiles files(Configuration values) {
    return new TlsFiles(
        file(values.get(TLS_CA_FILE)),
        file(values.get(TLS_CERT_FILE)),
        file(values.get(TLS_KEY_FILE)));
  }

  private static Optional<Path> file(String text) {
    return text.isEmpty() ? Optional.empty() : Optional.of(Path.of(text));
  }

  private static List<String> tlsProblems(Configuration values) {
    TlsFiles files = files(values);
    if (values.get(TLS_ENABLED)) {
      return files.problems(TLS);
    }
    return files.equals(TlsFiles.NONE)
        ? List.of()
        : List.of("files of %s are given, but %s.enabled is false".formatted(TLS, TLS));
  }

  /** Without the value, which may be a secret. */
  private static List<String> headerProblems(String text) {
    List<String> problems = new ArrayList<>(NamedText.problems(text));
    if (problems.isEmpty()) {
      NamedText header = NamedText.of(text);
      String name = header.name().toLowerCase(Locale.ROOT);
      if (!name.matches(HEADER_NAME)) {
        problems.add("\"" + header.name() + "\" cannot be the name of a header");
      }
      if (name.endsWith("-bin") || name.startsWith("grpc-")) {
        problems.add("\"" + header.name() + "\" is gRPC's own; a header of ours has another name");
      }
      if (!header.value().matches("[\\x20-\\x7e]*")) {
        problems.add(header.name() + ": a header's value has visible ASCII characters only");
      }
    }
    return problems;
  }

  private AlsTransportSettings() {}
}
