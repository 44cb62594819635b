// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import io.meshlens.flow.Connection;
import io.meshlens.flow.Errno;
import java.util.List;

/** Envoy's response flags, as far as a connection that nobody proxies can have them. */
public enum ResponseFlag {
  /** The server fell silent. */
  UPSTREAM_REQUEST_TIMEOUT("UT", "UpstreamRequestTimeout"),
  /** No connection came to be. */
  UPSTREAM_CONNECTION_FAILURE("UF", "UpstreamConnectionFailure"),
  /** The server's side ended it otherwise than by a FIN. */
  UPSTREAM_CONNECTION_TERMINATION("UC", "UpstreamConnectionTermination"),
  /** No network has a route there. */
  NO_ROUTE_FOUND("NR", "NoRouteFound"),
  /** The client's side ended it otherwise than by a FIN. */
  DOWNSTREAM_CONNECTION_TERMINATION("DC", "DownstreamConnectionTermination"),
  /** The kernel stopped repeating the SYN. */
  UPSTREAM_RETRY_LIMIT_EXCEEDED("URX", "UpstreamRetryLimitExceeded");

  private static final List<ResponseFlag> NONE = List.of();
  private static final List<ResponseFlag> UF = List.of(UPSTREAM_CONNECTION_FAILURE);
  private static final List<ResponseFlag> UC = List.of(UPSTREAM_CONNECTION_TERMINATION);
  private static final List<ResponseFlag> DC = List.of(DOWNSTREAM_CONNECTION_TERMINATION);
  private static final List<ResponseFlag> UF_NR =
      List.of(UPSTREAM_CONNECTION_FAILURE, NO_ROUTE_FOUND);
  private static final List<ResponseFlag> UF_DC =
      List.of(UPSTREAM_CONNECTION_FAILURE, DOWNSTREAM_CONNECTION_TERMINATION);
  private static final List<ResponseFlag> UF_URX =
      List.of(UPSTREAM_CONNECTION_FAILURE, UPSTREAM_RETRY_LIMIT_EXCEEDED);
  private static final List<ResponseFlag> UT_UC =
      List.of(UPSTREAM_REQUEST_TIMEOUT, UPSTREAM_CONNECTION_TERMINATION);

  private final String code;
  private final String longName;

  ResponseFlag(String code, String longName) {
    this.code = code;
    this.longName = longName;
  }

  /** As in {@code %RESPONSE_FLAGS%}. */
  public String code() {
    return code;
  }

  /** As in {@code %RESPONSE_FLAGS_LONG%}. */
  public String longName() {
    return longName;
  }

  /** The flags of a record in Envoy's order; none for an orderly end. */
  public static List<ResponseFlag> of(Connection c) {
    return switch (c.event) {
      case OPENED, PERIODIC -> NONE;
      case FAILED -> c.clientIsLocal() ? ofFailedDial(c) : ofFailedAccept(c);
      case CLOSED -> ofEnd(c);
    };
  }

  private static List<ResponseFlag> ofFailedDial(Connection c) {
    return switch (c.termination) {
      case TIMEOUT -> c.synRetransmits > 0 ? UF_URX : UF;
      case UNREACHABLE -> c.error == Errno.ENETUNREACH ? UF_NR : UF;
      // Without an error, the application closed its socket before the server had answered.
      case ABORTED -> c.error == 0 ? UF_DC : UF;
      case REFUSED, RESET_REMOTE, RESET_LOCAL, FIN_LOCAL, FIN_REMOTE, UNKNOWN, CLOSED, IDLE, NONE ->
          UF;
    };
  }

  private static List<ResponseFlag> ofFailedAccept(Connection c) {
    return switch (c.termination) {
      case RESET_REMOTE, FIN_REMOTE, TIMEOUT, UNREACHABLE -> DC;
      case RESET_LOCAL, FIN_LOCAL, REFUSED, ABORTED -> UF;
      case UNKNOWN, CLOSED, IDLE, NONE -> NONE;
    };
  }

  private static List<ResponseFlag> ofEnd(Connection c) {
    List<ResponseFlag> local = c.clientIsLocal() ? DC : UC;
    List<ResponseFlag> remote = c.clientIsLocal() ? UC : DC;
    return switch (c.termination) {
      case RESET_LOCAL, ABORTED -> local;
      case RESET_REMOTE, UNREACHABLE -> remote;
      // The peer acknowledged nothing any more.
      case TIMEOUT -> c.clientIsLocal() ? UT_UC : DC;
      case FIN_LOCAL, FIN_REMOTE, REFUSED, UNKNOWN, CLOSED, IDLE, NONE -> NONE;
    };
  }
}
