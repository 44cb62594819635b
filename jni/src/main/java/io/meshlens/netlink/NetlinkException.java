// SPDX-License-Identifier: Apache-2.0
package io.meshlens.netlink;

import static java.util.Objects.requireNonNull;

import io.meshlens.libbpf.Errno;

/** An operation the kernel refused, or an answer of the kernel that makes no sense (EBADMSG). */
public final class NetlinkException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String operation;
  private final int errno;

  /**
   * An error.
   *
   * @param operation what was tried, as a verb phrase
   * @param errno the positive error number
   */
  public NetlinkException(String operation, int errno) {
    super(
        requireNonNull(operation, "operation")
            + ": "
            + Errno.name(errno)
            + " ("
            + Errno.text(errno)
            + ")");
    this.operation = operation;
    this.errno = errno;
  }

  /** What was tried. */
  public String operation() {
    return operation;
  }

  /** The positive error number. */
  public int errno() {
    return errno;
  }

  /** The error's symbolic name, such as {@code EPERM}. */
  public String errnoName() {
    return Errno.name(errno);
  }
}
