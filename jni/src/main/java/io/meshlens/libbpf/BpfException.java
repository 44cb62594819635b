// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import static java.util.Objects.requireNonNull;

/**
 * An operation the kernel or libbpf refused. The message has the operation, the error's name and
 * text and, where libbpf said something, the end of that: for a load this is the verifier's log.
 */
public final class BpfException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final int MESSAGE_LOG_CHARS = 4096;

  private final String operation;
  private final int errno;
  private final String log;

  /** An error about which libbpf said nothing. */
  public BpfException(String operation, int errno) {
    this(operation, errno, "");
  }

  /**
   * An error and what libbpf said about it.
   *
   * @param operation what was tried, as a verb phrase
   * @param errno the positive error number
   * @param log libbpf's messages, the verifier's log included; may be empty
   */
  public BpfException(String operation, int errno, String log) {
    super(message(requireNonNull(operation, "operation"), errno, requireNonNull(log, "log")));
    this.operation = operation;
    this.errno = errno;
    this.log = log;
  }

  /** What was tried. */
  public String operation() {
    return operation;
  }

  /** The positive error number; 4000 and above are libbpf's own. */
  public int errno() {
    return errno;
  }

  /** The error's symbolic name, such as {@code EPERM}. */
  public String errnoName() {
    return Errno.name(errno);
  }

  /** The end of what libbpf said during the operation, longer than the message's share of it. */
  public String log() {
    return log;
  }

  /** Returns a native's result, or throws when it is a negative errno. */
  static long check(String operation, long result) {
    if (result < 0) {
      throw new BpfException(operation, (int) -result);
    }
    return result;
  }

  private static String message(String operation, int errno, String log) {
    String message = operation + ": " + Errno.name(errno) + " (" + Errno.text(errno) + ")";
    return log.isBlank() ? message : message + "\n" + tail(log.strip());
  }

  private static String tail(String log) {
    if (log.length() <= MESSAGE_LOG_CHARS) {
      return log;
    }
    int cut = log.length() - MESSAGE_LOG_CHARS;
    int line = log.indexOf('\n', cut);
    return "...\n" + log.substring(line < 0 ? cut : line + 1);
  }
}
