// SPDX-License-Identifier: Apache-2.0
package io.meshlens.spool;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.CRC32C;
import org.h2.compress.CompressLZF;
import org.jspecify.annotations.Nullable;

/**
 * Batches as values of the store: compressed, and with a checksum, because the store's own covers
 * the heads of its pages only. Owned by: whoever holds the lock of the spool.
 *
 * <pre>
 *  0        4              8          12
 *  | records | message bytes | CRC32C | message, LZF or as it is where that is shorter |
 * </pre>
 */
final class StoredBatch {
  private static final int HEAD_BYTES = 12;

  /** LZF adds one byte to 32 that it finds nothing in. */
  private static final int WORST_CASE_DIVISOR = 31;

  private static final int WORST_CASE_EXTRA_BYTES = 64;

  private final CompressLZF lzf = new CompressLZF();
  private byte[] scratch = new byte[64 << 10];

  byte[] encode(Batch batch) {
    byte[] message = batch.message();
    int worst =
        HEAD_BYTES + message.length + message.length / WORST_CASE_DIVISOR + WORST_CASE_EXTRA_BYTES;
    if (scratch.length < worst) {
      scratch = new byte[worst];
    }
    int end = lzf.compress(message, 0, message.length, scratch, HEAD_BYTES);
    if (end - HEAD_BYTES >= message.length) {
      System.arraycopy(message, 0, scratch, HEAD_BYTES, message.length);
      end = HEAD_BYTES + message.length;
    }
    ByteBuffer.wrap(scratch)
        .putInt(batch.records())
        .putInt(message.length)
        .putInt(checksum(batch.records(), message));
    return Arrays.copyOf(scratch, end);
  }

  /** Null when these are not the bytes that were stored. */
  @Nullable Batch decode(byte[] value) {
    if (value.length < HEAD_BYTES) {
      return null;
    }
    ByteBuffer head = ByteBuffer.wrap(value);
    int records = head.getInt();
    int length = head.getInt();
    int checksum = head.getInt();
    int stored = value.length - HEAD_BYTES;
    // A byte of LZF stands for at most 264.
    if (records <= 0 || length < 0 || length > 264L * stored) {
      return null;
    }
    byte[] message = new byte[length];
    try {
      if (stored == length) {
        System.arraycopy(value, HEAD_BYTES, message, 0, length);
      } else {
        lzf.expand(value, HEAD_BYTES, stored, message, 0, length);
      }
    } catch (IndexOutOfBoundsException garbage) {
      return null;
    }
    return checksum(records, message) == checksum ? new Batch(message, records) : null;
  }

  private static int checksum(int records, byte[] message) {
    CRC32C crc = new CRC32C();
    crc.update(message);
    return (int) crc.getValue() ^ records;
  }
}
