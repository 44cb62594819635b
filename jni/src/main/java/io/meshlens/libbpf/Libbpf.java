// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Facts about the libbpf in use and the machine it runs on. */
public final class Libbpf {
  private Libbpf() {}

  /** Returns libbpf's version as it states it, such as {@code v1.1}. */
  public static String version() {
    NativeLibrary.load();
    return version0();
  }

  /**
   * Returns how many values an entry of a per-CPU map has: the CPUs the kernel may ever bring up,
   * not those now online.
   */
  public static int possibleCpus() {
    NativeLibrary.load();
    return (int) BpfException.check("count the possible CPUs", possibleCpus0());
  }

  /** The bytes natives take paths and names as. */
  static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static byte[] text(Path path) {
    return text(path.toString());
  }

  private static native String version0();

  private static native int possibleCpus0();
}
