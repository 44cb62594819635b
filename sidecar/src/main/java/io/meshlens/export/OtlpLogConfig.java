// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * Where log records are pushed to, and how.
 *
 * @param timeout for one request
 * @param tls used when the endpoint is {@code https://}
 */
public record OtlpLogConfig(
    URI endpoint,
    OtlpConfig.Protocol protocol,
    Duration timeout,
    Compression compression,
    List<Header> headers,
    TlsFiles tls,
    String nodeId,
    String nodeCluster) {
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
    @Override
    public String toString() {
      return name + ": ***";
    }
  }

  public OtlpLogConfig {
    headers = List.copyOf(headers);
  }

  /** Whether a receiver is reached by TLS. */
  public static boolean isTls(URI endpoint) {
    return "https".equals(endpoint.getScheme());
  }

  /** The endpoint, with the signal path that HTTP receivers expect when there is no path at all. */
  URI logsUrl() {
    String path = endpoint.getRawPath();
    boolean bare = path == null || path.isEmpty() || path.equals("/");
    return protocol == OtlpConfig.Protocol.HTTP_PROTOBUF && bare
        ? endpoint.resolve("/v1/logs")
        : endpoint;
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
    return endpoint.getPort() > 0 ? endpoint.getPort() : isTls(endpoint) ? 443 : 80;
  }
}
