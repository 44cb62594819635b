// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import java.net.URI;
import java.time.Duration;

/** Where metrics are pushed to. */
public record OtlpConfig(URI endpoint, Protocol protocol, Duration interval) {
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

  /** The endpoint with the signal path that HTTP receivers expect when none is given. */
  String metricsUrl() {
    String path = endpoint.getPath();
    boolean bare = path == null || path.isEmpty() || path.equals("/");
    return protocol == Protocol.HTTP_PROTOBUF && bare
        ? endpoint.resolve("/v1/metrics").toString()
        : endpoint.toString();
  }
}
