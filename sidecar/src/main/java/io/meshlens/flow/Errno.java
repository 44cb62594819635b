// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

/** The errors a TCP socket ends with (Linux errno numbers and names, errno(3)). */
public final class Errno {
  public static final int EACCES = 13;
  public static final int EPIPE = 32;
  public static final int ENONET = 64;
  public static final int ENOPROTOOPT = 92;
  public static final int EOPNOTSUPP = 95;
  public static final int ENETDOWN = 100;
  public static final int ENETUNREACH = 101;
  public static final int ECONNABORTED = 103;
  public static final int ECONNRESET = 104;
  public static final int ETIMEDOUT = 110;
  public static final int ECONNREFUSED = 111;
  public static final int EHOSTDOWN = 112;
  public static final int EHOSTUNREACH = 113;

  /** There was an error and nobody knows which; no number of the kernel. */
  public static final int UNKNOWN = 65535;

  private Errno() {}

  /**
   * The symbolic name; {@code errno NNN} for a number without one here, and OpenTelemetry's word
   * for {@link #UNKNOWN}.
   */
  public static String name(int error) {
    return switch (error) {
      case 1 -> "EPERM";
      case 12 -> "ENOMEM";
      case EACCES -> "EACCES";
      case 22 -> "EINVAL";
      case EPIPE -> "EPIPE";
      case ENONET -> "ENONET";
      case 71 -> "EPROTO";
      case 74 -> "EBADMSG";
      case 90 -> "EMSGSIZE";
      case ENOPROTOOPT -> "ENOPROTOOPT";
      case EOPNOTSUPP -> "EOPNOTSUPP";
      case 98 -> "EADDRINUSE";
      case 99 -> "EADDRNOTAVAIL";
      case ENETDOWN -> "ENETDOWN";
      case ENETUNREACH -> "ENETUNREACH";
      case 102 -> "ENETRESET";
      case ECONNABORTED -> "ECONNABORTED";
      case ECONNRESET -> "ECONNRESET";
      case 105 -> "ENOBUFS";
      case ETIMEDOUT -> "ETIMEDOUT";
      case ECONNREFUSED -> "ECONNREFUSED";
      case EHOSTDOWN -> "EHOSTDOWN";
      case EHOSTUNREACH -> "EHOSTUNREACH";
      case UNKNOWN -> "_OTHER";
      default -> "errno " + error;
    };
  }
}
