// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.nio.file.Path;
import java.util.Optional;

/**
 * An exclusive lock on a directory (flock(2)), which the kernel takes back when the process ends,
 * however it ends. Works on a BPF file system, where no lock file can be.
 */
public final class DirectoryLock implements AutoCloseable {
  private static final int EWOULDBLOCK = 11;

  private final Handle handle;

  private DirectoryLock(Path directory, int fd) {
    handle = new Handle("lock " + directory, fd, descriptor -> close0((int) descriptor));
  }

  /**
   * Takes the lock, or returns empty when another process has it.
   *
   * @throws BpfException when the directory cannot be opened
   */
  public static Optional<DirectoryLock> tryLock(Path directory) {
    NativeLibrary.load();
    long fd = lock0(Libbpf.text(directory));
    if (fd == -EWOULDBLOCK) {
      return Optional.empty();
    }
    return Optional.of(
        new DirectoryLock(directory, (int) BpfException.check("lock " + directory, fd)));
  }

  @Override
  public void close() {
    handle.close();
  }

  private static native int lock0(byte[] directory);

  private static native void close0(int fd);
}
