// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Where metrics are pushed to, and how.
 *
 * @param timeout for one request
 * @param exportTimeout for a push with all its requests and retries
 * @param tls used when the endpoint is {@code https://}
 */
public record OtlpConfig(
    URI endpoint,
    Protocol protocol,
    Duration interval,
    Duration timeout,
    Duration exportTimeout,
    Compression compression,
    List<Header> headers,
    TlsFiles tls,
    Temporality temporality,
    Histograms histograms) {
  /** The two transports of the OTLP specification, by its own names. */
  public enum Protocol {
    GRPC("grpc"),
    HTTP_PROTOBUF("http/protobuf");

    private final String label;

    Protocol(String label) {
      this.label = label;
    }

    public String label() {
      return label;
    }
  }

  /** Of requests. */
  public enum Compression {
    NONE,
    GZIP;

    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** From when a pushed sum counts, by the specification's names of preferences. */
  public enum Temporality {
    CUMULATIVE,
    DELTA,
    LOWMEMORY;

    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** The form of pushed histograms. */
  public enum Histograms {
    EXPONENTIAL,
    EXPLICIT;

    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Sent with every request; its value may be a secret. */
  public record Header(String name, String value) {
    private static final String TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";

    /** What keeps it from being sent, without the value; nothing when it can be. */
    public List<String> problems() {
      List<String> problems = new ArrayList<>();
      if (!name.matches(TOKEN)) {
        problems.add("\"" + name + "\" cannot be the name of a header");
      }
      if (!value.matches("[\\x20-\\x7e]*")) {
        problems.add(name + ": a header's value has visible ASCII characters only");
      }
      return problems;
    }

    @Override
    public String toString() {
      return name + ": ***";
    }
  }

  public OtlpConfig {
    headers = List.copyOf(headers);
  }

  /** Whether a receiver is reached by TLS. */
  public static boolean isTls(URI endpoint) {
    return "https".equals(endpoint.getScheme());
  }

  boolean isTls() {
    return isTls(endpoint);
  }

  /** How long a push may take, so that none is late for the next. */
  Duration budget() {
    return exportTimeout.compareTo(interval) < 0 ? exportTimeout : interval;
  }

  /** The endpoint, with the signal path that HTTP receivers expect when there is no path at all. */
  URI metricsUrl() {
    String path = endpoint.getRawPath();
    boolean bare = path == null || path.isEmpty();
    return protocol == Protocol.HTTP_PROTOBUF && bare ? endpoint.resolve("/v1/metrics") : endpoint;
  }

  /** As it may be shown: what stands before the host may be a password. */
  String target() {
    return endpoint.getScheme()
        + "://"
        + endpoint.getHost()
        + (endpoint.getPort() < 0 ? "" : ":" + endpoint.getPort());
  }

  /** The port that gRPC connects to. */
  int port() {
    return endpoint.getPort() > 0 ? endpoint.getPort() : isTls() ? 443 : 80;
  }
}
