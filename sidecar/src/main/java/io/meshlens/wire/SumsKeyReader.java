// SPDX-License-Identifier: Apache-2.0
package io.meshlens.wire;

import java.nio.ByteBuffer;

/**
 * Reads {@code struct sums_key} in place. A view is valid until the buffer's owner reuses the
 * bytes.
 */
public final class SumsKeyReader {
  public static final int SIZE_BYTES = 40;

  private ByteBuffer buffer = ByteBuffer.allocate(0);
  private int offset;

  /** Looks at the structure at an offset of a buffer in native byte order. */
  public void wrap(ByteBuffer newBuffer, int newOffset) {
    buffer = newBuffer;
    offset = newOffset;
  }

  /** Bytes 8 * index to 8 * index + 7 of {@code client_address} as a big-endian number. */
  public long clientAddressWord(int index) {
    return Long.reverseBytes(buffer.getLong(offset + index * 8));
  }

  /** Bytes 8 * index to 8 * index + 7 of {@code server_address} as a big-endian number. */
  public long serverAddressWord(int index) {
    return Long.reverseBytes(buffer.getLong(offset + 16 + index * 8));
  }

  public int serverPort() {
    return Short.reverseBytes(buffer.getShort(offset + 32)) & 0xffff;
  }

  public int error() {
    return buffer.getShort(offset + 34) & 0xffff;
  }

  public int direction() {
    return buffer.get(offset + 36) & 0xff;
  }
}
