// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.grpc.Status;
import org.jspecify.annotations.Nullable;

/** What to do about a stream that broke, where its status says enough. */
final class AlsRemedy {
  private AlsRemedy() {}

  /** The status with its causes and, where one is known, a remedy. */
  static String explain(Status status, AlsTransport transport) {
    String said = said(status);
    String remedy = remedy(status, said, transport);
    return status.getCode() + (said.isEmpty() ? "" : ": " + said) + remedy;
  }

  /** gRPC keeps what really happened in the causes. */
  private static String said(Status status) {
    StringBuilder said = new StringBuilder();
    append(said, status.getDescription());
    for (Throwable cause = status.getCause(); cause != null; cause = cause.getCause()) {
      append(said, cause.getMessage());
    }
    return said.toString();
  }

  private static void append(StringBuilder said, @Nullable String text) {
    String line = text == null ? "" : text.lines().findFirst().orElse("").strip();
    if (!line.isEmpty() && said.indexOf(line) < 0) {
      said.append(said.isEmpty() ? "" : "; ").append(line);
    }
  }

  private static String remedy(Status status, String said, AlsTransport transport) {
    return switch (status.getCode()) {
      case UNIMPLEMENTED ->
          "; no envoy.service.accesslog.v3.AccessLogService is there: is the port right?";
      case UNAUTHENTICATED, PERMISSION_DENIED ->
          "; give what the server asks for in access_log.als.headers or by a certificate";
      case RESOURCE_EXHAUSTED ->
          "; the server takes no more, or no message as large as access_log.als.batch_size";
      case UNAVAILABLE ->
          (transport.tls().isPresent() ? TlsTrouble.overTls(said) : TlsTrouble.overPlain(said))
              .map(trouble -> remedy(trouble, transport))
              .orElse("");
      default -> "";
    };
  }

  private static String remedy(TlsTrouble trouble, AlsTransport transport) {
    return switch (trouble) {
      case NO_TLS_THERE ->
          "; the server does not speak TLS: set access_log.als.tls.enabled=false or another port";
      case OTHER_NAME ->
          "; the server's certificate is for another name: set access_log.als.authority to it";
      case NOT_TRUSTED ->
          "; the server's certificate is not trusted: set access_log.als.tls.ca_file to the"
              + " certificate of its authority";
      case OTHER_CERTIFICATE ->
          "; the server wants another certificate than "
              + transport
                  .tls()
                  .flatMap(TlsFiles::chain)
                  .map(file -> "that of " + file)
                  .orElse("none: set access_log.als.tls.cert_file and .key_file");
      case TLS_THERE -> "; the server may speak TLS: then set access_log.als.tls.enabled=true";
    };
  }
}
