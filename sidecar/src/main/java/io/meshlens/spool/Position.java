// SPDX-License-Identifier: Apache-2.0
package io.meshlens.spool;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * How far delivery is: two numbers in a file of their own, so that a confirmation costs one small
 * write. Guarded by the lock of {@link DiskSpool}.
 *
 * <p>Not a channel: an interrupt would close it.
 */
final class Position implements AutoCloseable {
  /**
   * Record numbers.
   *
   * @param confirmed all before this one are delivered, or lost and reported
   * @param end after the last one that was committed
   */
  record Marks(long confirmed, long end) {}

  private static final int BYTES = 3 * Long.BYTES;

  private final RandomAccessFile file;

  Position(Path path) throws IOException {
    file = new RandomAccessFile(path.toFile(), "rw");
  }

  /** Null when there are none, or not those that were written. */
  @Nullable Marks read() throws IOException {
    byte[] bytes = new byte[BYTES];
    file.seek(0);
    if (file.length() < BYTES) {
      return null;
    }
    file.readFully(bytes);
    ByteBuffer in = ByteBuffer.wrap(bytes);
    Marks marks = new Marks(in.getLong(), in.getLong());
    boolean sound = in.getLong() == checksum(bytes);
    return sound && marks.confirmed >= 0 && marks.confirmed <= marks.end ? marks : null;
  }

  void write(Marks marks) throws IOException {
    byte[] bytes = new byte[BYTES];
    ByteBuffer out = ByteBuffer.wrap(bytes).putLong(marks.confirmed).putLong(marks.end);
    out.putLong(checksum(bytes));
    file.seek(0);
    file.write(bytes);
  }

  void fsync() throws IOException {
    file.getFD().sync();
  }

  private static long checksum(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, 2 * Long.BYTES);
    return crc.getValue();
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
