// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

/** Names and texts of error numbers: the C library's, the kernel's ENOTSUPP and libbpf's own. */
public final class Errno {
  private Errno() {}

  /**
   * Returns the symbolic name, such as {@code EPERM}; {@code errno 7} when the number is unknown or
   * the native library is not loaded.
   */
  public static String name(int errno) {
    return NativeLibrary.isLoaded() ? name0(errno) : "errno " + errno;
  }

  /** Returns the C library's English text; empty when the native library is not loaded. */
  public static String text(int errno) {
    return NativeLibrary.isLoaded() ? text0(errno) : "";
  }

  private static native String name0(int errno);

  private static native String text0(int errno);
}
