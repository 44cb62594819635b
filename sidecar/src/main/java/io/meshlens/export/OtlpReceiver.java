// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * How an OTLP receiver is reached, whatever it is sent.
 *
 * @param timeout for one request
 * @param tls used when the endpoint is {@code https://}
 */
public record OtlpReceiver(
    URI endpoint,
    Protocol protocol,
    Duration timeout,
    Compression compression,
    List<Header> headers,
    TlsFiles tls) {
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

  /** Sent with every request; its value may be a secret. */
  public record Header(String name, String value) {
    /** What both transports take: gRPC has lower case, and makes it so. */
    private static final String NAME = "[0-9A-Za-z._-]+";

    /** Names that a transport gives a meaning of its own, and refuses from others. */
    private static final Set<String> RESERVED =
        Set.of(
            "connection",
            "content-encoding",
            "content-length",
            "content-type",
            "expect",
            "host",
            "te",
            "transfer-encoding",
            "upgrade");

    /** What keeps it from being sent, without the value; nothing when it can be. */
    public List<String> problems() {
      List<String> problems = new ArrayList<>();
      String lower = name.toLowerCase(Locale.ROOT);
      if (!name.matches(NAME)) {
        problems.add("\"" + name + "\" cannot be the name of a header");
      } else if (RESERVED.contains(lower) || lower.startsWith("grpc-") || lower.endsWith("-bin")) {
        problems.add(
            "\"" + name + "\" is the transport's own; expected a header with another name");
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

  public OtlpReceiver {
    headers = List.copyOf(headers);
  }

  /** Whether a receiver is reached by TLS. */
  public static boolean isTls(URI endpoint) {
    return "https".equals(endpoint.getScheme());
  }

  boolean isTls() {
    return isTls(endpoint);
  }

  /**
   * The endpoint, with the signal's path that HTTP receivers expect when there is no path at all.
   */
  URI url(OtlpSignal signal) {
    String path = endpoint.getRawPath();
    boolean bare = path == null || path.isEmpty();
    return protocol == Protocol.HTTP_PROTOBUF && bare ? endpoint.resolve(signal.path()) : endpoint;
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
