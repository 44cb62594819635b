// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import com.google.common.base.Splitter;
import io.meshlens.config.ConfigKey;
import io.meshlens.config.Configuration.Fallback;
import io.meshlens.config.NamedText;
import io.meshlens.export.OtlpConfig.Histograms;
import io.meshlens.export.OtlpConfig.Temporality;
import io.meshlens.export.OtlpReceiver.Protocol;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * The OpenTelemetry specification's environment variables, as fallbacks for our settings. Those for
 * metrics alone go before those for all signals; an empty one is as good as none.
 */
public final class OtelEnvironment {
  private static final String PREFIX = "OTEL_EXPORTER_OTLP_";
  private static final Set<String> EXPORTERS =
      Set.of("otlp", "prometheus", "console", "logging", "none");

  /** A variable that is set. */
  private record Variable(String name, String value) {
    String source() {
      return "environment " + name;
    }

    Fallback good(String text) {
      return new Fallback(text, source(), Optional.empty());
    }

    Fallback bad(String shown, String expected) {
      return new Fallback("", source(), Optional.of(shown + "expected " + expected));
    }

    Fallback bad(String expected) {
      return bad("\"" + value + "\": ", expected);
    }
  }

  private final Map<String, String> environment;
  private final Map<String, String> own;
  private final Map<String, Fallback> fallbacks = new LinkedHashMap<>();

  private OtelEnvironment(Map<String, String> environment, Map<String, String> own) {
    this.environment = environment;
    this.own = own;
  }

  /**
   * What the variables say, by the names of our settings.
   *
   * @param own texts of settings that something else has set
   */
  public static Map<String, Fallback> fallbacks(
      Map<String, String> environment, Map<String, String> own) {
    OtelEnvironment read = new OtelEnvironment(environment, own);
    read.all();
    return read.fallbacks;
  }

  private void all() {
    ofOtlp("PROTOCOL", MetricsSettings.OTLP_PROTOCOL, OtelEnvironment::protocol);
    endpoint();
    ofOtlp("HEADERS", MetricsSettings.OTLP_HEADERS, OtelEnvironment::pairs);
    ofOtlp("COMPRESSION", MetricsSettings.OTLP_COMPRESSION, OtelEnvironment::compression);
    ofOtlp("TIMEOUT", MetricsSettings.OTLP_TIMEOUT, OtelEnvironment::milliseconds);
    ofOtlp("CERTIFICATE", MetricsSettings.OTLP_TLS_CA_FILE, v -> v.good(v.value()));
    ofOtlp("CLIENT_CERTIFICATE", MetricsSettings.OTLP_TLS_CERT_FILE, v -> v.good(v.value()));
    ofOtlp("CLIENT_KEY", MetricsSettings.OTLP_TLS_KEY_FILE, v -> v.good(v.value()));
    put(
        MetricsSettings.OTLP_INTERVAL,
        OtelEnvironment::milliseconds,
        "OTEL_METRIC_EXPORT_INTERVAL");
    put(
        MetricsSettings.OTLP_EXPORT_TIMEOUT,
        OtelEnvironment::milliseconds,
        "OTEL_METRIC_EXPORT_TIMEOUT");
    put(
        MetricsSettings.OTLP_TEMPORALITY,
        OtelEnvironment::temporality,
        PREFIX + "METRICS_TEMPORALITY_PREFERENCE");
    put(
        MetricsSettings.OTLP_HISTOGRAMS,
        OtelEnvironment::histograms,
        PREFIX + "METRICS_DEFAULT_HISTOGRAM_AGGREGATION");
    put(MetricsSettings.RESOURCE_ATTRIBUTES, OtelEnvironment::pairs, "OTEL_RESOURCE_ATTRIBUTES");
    put(MetricsSettings.RESOURCE_SERVICE_NAME, v -> v.good(v.value()), "OTEL_SERVICE_NAME");
  }

  private void ofOtlp(String name, ConfigKey<?> key, Function<Variable, Fallback> reader) {
    put(key, reader, PREFIX + "METRICS_" + name, PREFIX + name);
  }

  private void put(ConfigKey<?> key, Function<Variable, Fallback> reader, String... names) {
    variable(names).ifPresent(variable -> fallbacks.put(key.name(), reader.apply(variable)));
  }

  private Optional<Variable> variable(String... names) {
    for (String name : names) {
      String value = environment.getOrDefault(name, "").strip();
      if (!value.isEmpty()) {
        return Optional.of(new Variable(name, value));
      }
    }
    return Optional.empty();
  }

  /** With the path by the specification's rules, which differ for the two variables. */
  private void endpoint() {
    String key = MetricsSettings.OTLP_ENDPOINT.name();
    Optional<Fallback> off = off();
    if (off.isPresent()) {
      fallbacks.put(key, off.get());
      return;
    }
    Optional<Variable> exact = variable(PREFIX + "METRICS_ENDPOINT");
    Optional<Variable> base = variable(PREFIX + "ENDPOINT");
    Optional<Variable> asked = variable("OTEL_METRICS_EXPORTER");
    if ((exact.isEmpty() && base.isEmpty() && asked.isEmpty()) || own.containsKey(key)) {
      return;
    }
    String protocolKey = MetricsSettings.OTLP_PROTOCOL.name();
    if (!own.containsKey(protocolKey) && !fallbacks.containsKey(protocolKey)) {
      // The specification's default, which is not ours, for the specification's endpoint.
      fallbacks.put(
          protocolKey,
          new Fallback(
              Protocol.HTTP_PROTOBUF.label(),
              "default of " + PREFIX + "PROTOCOL",
              Optional.empty()));
    }
    boolean http = protocol().equals(Protocol.HTTP_PROTOBUF.label());
    Fallback found =
        exact
            .map(v -> v.good(http ? withPath(withScheme(v.value())) : withScheme(v.value())))
            .or(() -> base.map(v -> v.good(http ? signalPath(v.value()) : withScheme(v.value()))))
            .orElseGet(
                () ->
                    asked
                        .orElseThrow()
                        .good(http ? "http://localhost:4318/v1/metrics" : "http://localhost:4317"));
    fallbacks.put(key, found);
  }

  private String protocol() {
    String key = MetricsSettings.OTLP_PROTOCOL.name();
    Fallback fallback = fallbacks.get(key);
    return own.getOrDefault(key, fallback == null ? "" : fallback.text());
  }

  /** What says that nothing is pushed, or is wrong about it. */
  private Optional<Fallback> off() {
    Optional<Variable> disabled =
        variable("OTEL_SDK_DISABLED").filter(v -> v.value().equalsIgnoreCase("true"));
    if (disabled.isPresent()) {
      return disabled.map(v -> v.good(""));
    }
    return variable("OTEL_METRICS_EXPORTER")
        .flatMap(
            v -> {
              List<String> named =
                  Splitter.on(',').trimResults().omitEmptyStrings().splitToList(v.value());
              if (!EXPORTERS.containsAll(named)) {
                return Optional.of(v.bad("otlp, prometheus (which is always served) or none"));
              }
              return named.contains("otlp") ? Optional.empty() : Optional.of(v.good(""));
            });
  }

  /** The form HOST:PORT is plain or not by a variable of its own. */
  private String withScheme(String endpoint) {
    if (endpoint.contains("://")) {
      return endpoint;
    }
    boolean insecure =
        variable(PREFIX + "METRICS_INSECURE", PREFIX + "INSECURE")
            .filter(v -> v.value().equalsIgnoreCase("true"))
            .isPresent();
    return (insecure ? "http://" : "https://") + endpoint;
  }

  private String signalPath(String endpoint) {
    String url = withScheme(endpoint);
    return url + (url.endsWith("/") ? "" : "/") + "v1/metrics";
  }

  /** What our own setting would take for an endpoint that wants the usual path. */
  private static String withPath(String url) {
    return url.indexOf('/', url.indexOf("://") + 3) < 0 ? url + "/" : url;
  }

  private static Fallback protocol(Variable v) {
    for (Protocol protocol : Protocol.values()) {
      if (protocol.label().equals(v.value())) {
        return v.good(protocol.label());
      }
    }
    return v.bad("grpc or http/protobuf");
  }

  private static Fallback compression(Variable v) {
    return Set.of("gzip", "none").contains(v.value()) ? v.good(v.value()) : v.bad("gzip or none");
  }

  private static Fallback milliseconds(Variable v) {
    return v.value().matches("\\d{1,9}")
        ? v.good(v.value() + "ms")
        : v.bad("a whole number of milliseconds");
  }

  private static Fallback temporality(Variable v) {
    String label = v.value().toLowerCase(Locale.ROOT);
    for (Temporality temporality : Temporality.values()) {
      if (temporality.label().equals(label)) {
        return v.good(label);
      }
    }
    return v.bad("cumulative, delta or lowmemory");
  }

  private static Fallback histograms(Variable v) {
    return switch (v.value().toLowerCase(Locale.ROOT)) {
      case "explicit_bucket_histogram" -> v.good(Histograms.EXPLICIT.label());
      case "base2_exponential_bucket_histogram" -> v.good(Histograms.EXPONENTIAL.label());
      default -> v.bad("explicit_bucket_histogram or base2_exponential_bucket_histogram");
    };
  }

  /** A comma separates where our lists have a semicolon. */
  private static Fallback pairs(Variable v) {
    List<String> texts = new ArrayList<>();
    for (String pair : Splitter.on(',').trimResults().omitEmptyStrings().split(v.value())) {
      List<String> problems = NamedText.problems(pair);
      if (!problems.isEmpty()) {
        return new Fallback("", v.source(), Optional.of(problems.getFirst()));
      }
      texts.add(NamedText.of(pair).text());
    }
    return v.good(String.join(";", texts));
  }
}
