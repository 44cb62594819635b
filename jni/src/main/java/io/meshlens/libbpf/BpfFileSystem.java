// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.nio.file.Path;

/** The file system that pins live on, which an administrator mounts. */
public final class BpfFileSystem {
  private BpfFileSystem() {}

  /**
   * Returns whether a directory is on a BPF file system, so that pins can be made in it.
   *
   * @throws BpfException if there is no such directory, or it cannot be looked at
   */
  public static boolean contains(Path directory) {
    NativeLibrary.load();
    int result = contains0(Libbpf.text(directory));
    return BpfException.check("find the file system of " + directory, result) != 0;
  }

  private static native int contains0(byte[] directory);
}
