// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

/** The native library could not be loaded; the message lists every path tried, why, and a cure. */
public final class NativeLibraryException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  NativeLibraryException(String message) {
    super(message);
  }
}
