// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

/** Asks the running kernel what it supports, by trying; a probe takes up to some milliseconds. */
public final class KernelProbe {
  private KernelProbe() {}

  /** What a probe found. */
  public enum Answer {
    YES,
    NO,
    /** The probe could not be made: not permitted, or libbpf cannot try this kind. */
    UNKNOWN
  }

  /** Returns whether maps of the kernel's type number can be created. */
  public static Answer mapType(int mapType) {
    NativeLibrary.load();
    return answer(mapType0(mapType));
  }

  /**
   * Returns whether programs of the kernel's type number can be loaded. Never {@link Answer#NO} for
   * {@link ProgramType#TRACING}: such programs may fail for one target and load for another.
   */
  public static Answer programType(int programType) {
    NativeLibrary.load();
    return answer(programType0(programType));
  }

  /**
   * Returns whether programs of a type may call a helper. Always {@link Answer#UNKNOWN} for {@link
   * ProgramType#TRACING}, which needs a target to be loaded at all.
   */
  public static Answer helper(int programType, int helperId) {
    NativeLibrary.load();
    return answer(helper0(programType, helperId));
  }

  static int kernelId(String constant) {
    NativeLibrary.load();
    return (int) BpfException.check("look up " + constant, kernelId0(Libbpf.text(constant)));
  }

  private static Answer answer(int result) {
    return result < 0 ? Answer.UNKNOWN : result == 0 ? Answer.NO : Answer.YES;
  }

  private static native int kernelId0(byte[] constant);

  private static native int mapType0(int mapType);

  private static native int programType0(int programType);

  private static native int helper0(int programType, int helperId);
}
