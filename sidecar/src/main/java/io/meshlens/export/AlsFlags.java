// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.envoyproxy.envoy.data.accesslog.v3.ResponseFlags;
import io.meshlens.flow.Connection;
import io.meshlens.flow.Errno;

/**
 * Envoy's response flags as far as the end of a connection proves them; docs/reference/als.md says
 * why each. A set of flags is a bit mask of their field numbers.
 */
final class AlsFlags {
  /** UF: no connection came to be. */
  private static final long UF = 1L << ResponseFlags.UPSTREAM_CONNECTION_FAILURE_FIELD_NUMBER;

  /** UC: the server's side ended it otherwise than by a FIN. */
  private static final long UC = 1L << ResponseFlags.UPSTREAM_CONNECTION_TERMINATION_FIELD_NUMBER;

  /** DC: the client's side did. */
  private static final long DC = 1L << ResponseFlags.DOWNSTREAM_CONNECTION_TERMINATION_FIELD_NUMBER;

  /** UT: the server fell silent. */
  private static final long UT = 1L << ResponseFlags.UPSTREAM_REQUEST_TIMEOUT_FIELD_NUMBER;

  /** URX: the kernel stopped repeating the SYN. */
  private static final long URX = 1L << ResponseFlags.UPSTREAM_RETRY_LIMIT_EXCEEDED_FIELD_NUMBER;

  /** NR: no network has a route there. */
  private static final long NR = 1L << ResponseFlags.NO_ROUTE_FOUND_FIELD_NUMBER;

  private AlsFlags() {}

  /** Bit n stands for field n. */
  static long of(Connection c) {
    return switch (c.event) {
      case OPENED, PERIODIC -> 0;
      case FAILED -> c.clientIsLocal() ? ofFailedDial(c) : ofFailedAccept(c);
      case CLOSED -> ofEnd(c);
    };
  }

  private static long ofFailedDial(Connection c) {
    return switch (c.termination) {
      case TIMEOUT -> c.synRetransmits > 0 ? UF | URX : UF;
      case UNREACHABLE -> c.error == Errno.ENETUNREACH ? UF | NR : UF;
      // Without an error, the application closed its socket before the server had answered.
      case ABORTED -> c.error == 0 ? UF | DC : UF;
      case REFUSED, RESET_REMOTE, RESET_LOCAL, FIN_LOCAL, FIN_REMOTE, UNKNOWN, CLOSED, IDLE, NONE ->
          UF;
    };
  }

  private static long ofFailedAccept(Connection c) {
    return switch (c.termination) {
      case RESET_REMOTE, FIN_REMOTE, TIMEOUT, UNREACHABLE -> DC;
      case RESET_LOCAL, FIN_LOCAL, REFUSED, ABORTED -> UF;
      case UNKNOWN, CLOSED, IDLE, NONE -> 0;
    };
  }

  private static long ofEnd(Connection c) {
    long local = c.clientIsLocal() ? DC : UC;
    long remote = c.clientIsLocal() ? UC : DC;
    return switch (c.termination) {
      case RESET_LOCAL, ABORTED -> local;
      case RESET_REMOTE, UNREACHABLE -> remote;
      // The peer acknowledged nothing any more.
      case TIMEOUT -> c.clientIsLocal() ? remote | UT : remote;
      case FIN_LOCAL, FIN_REMOTE, REFUSED, UNKNOWN, CLOSED, IDLE, NONE -> 0;
    };
  }

  /** Appends the fields of {@code envoy.data.accesslog.v3.ResponseFlags}. */
  static void write(long flags, ProtoBytes out) {
    for (long rest = flags; rest != 0; rest &= rest - 1) {
      out.count(ProtoBytes.tag(Long.numberOfTrailingZeros(rest), ProtoBytes.VARINT), 1);
    }
  }
}
