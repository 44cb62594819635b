// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

/** How a connection ended, told from what the kernel left at TCP_CLOSE. */
public enum Termination {
  /** This side sent the first FIN. */
  FIN_LOCAL("fin_local"),
  /** The peer sent the first FIN. */
  FIN_REMOTE("fin_remote"),
  /** This side sent a RST: closed with unread data, SO_LINGER 0, or never accepted. */
  RESET_LOCAL("reset_local"),
  /** The peer sent a RST. */
  RESET_REMOTE("reset_remote"),
  /** Retransmission, keep-alive or TCP_USER_TIMEOUT ran out. */
  TIMEOUT("timeout"),
  /** The SYN was answered by a RST. */
  REFUSED("refused"),
  /** No route: ICMP unreachable or a local routing error. */
  UNREACHABLE("unreachable"),
  /** The application gave up while connecting, or the kernel was told to abort the socket. */
  ABORTED("aborted"),
  UNKNOWN("unknown"),
  /** UDP: its socket was closed. */
  CLOSED("closed"),
  /** UDP: nothing was sent or received for {@code kernel.udp_idle_timeout}. */
  IDLE("idle"),
  /** It has not ended. */
  NONE("none");

  private final String label;

  Termination(String label) {
    this.label = label;
  }

  /** The value of {@code termination} in the access log. */
  public String label() {
    return label;
  }

  /**
   * Tells the ending from the socket's last state.
   *
   * @param error {@code sk_err}, positive errno or 0
   * @param lastState number of the TCP state before CLOSE
   */
  public static Termination of(ConnectionEvent event, int error, int lastState) {
    if (event.isOpen()) {
      return NONE;
    }
    return switch (error) {
      case 0 -> event == ConnectionEvent.FAILED ? ABORTED : ofCleanEnd(lastState);
      case Errno.ECONNREFUSED -> REFUSED;
      // tcp_reset() reports a RST that meets CLOSE_WAIT as EPIPE.
      case Errno.ECONNRESET, Errno.EPIPE -> RESET_REMOTE;
      case Errno.ETIMEDOUT -> TIMEOUT;
      // What ICMP and ICMPv6 answers become (icmp_err_convert, icmpv6_err_convert); EACCES is one
      // by
      // policy.
      case Errno.EACCES,
          Errno.ENONET,
          Errno.ENOPROTOOPT,
          Errno.EOPNOTSUPP,
          Errno.ENETDOWN,
          Errno.ENETUNREACH,
          Errno.EHOSTDOWN,
          Errno.EHOSTUNREACH ->
          UNREACHABLE;
      case Errno.ECONNABORTED -> ABORTED;
      default -> UNKNOWN;
    };
  }

  private static Termination ofCleanEnd(int lastState) {
    if (lastState == TcpState.LAST_ACK.number()) {
      return FIN_REMOTE;
    }
    if (lastState == TcpState.FIN_WAIT2.number() || lastState == TcpState.CLOSING.number()) {
      return FIN_LOCAL;
    }
    // Straight from ESTABLISHED, CLOSE_WAIT or FIN_WAIT1: no answer to a FIN, no error, so a RST of
    // ours.
    return RESET_LOCAL;
  }
}
