// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

/**
 * The kernel, or our permission to use it, lacks something; the message says what and the remedy.
 */
public final class KernelUnavailableException extends Exception {
  private static final long serialVersionUID = 1L;

  public KernelUnavailableException(String message) {
    super(message);
  }

  public KernelUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }
}
