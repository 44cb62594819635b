// SPDX-License-Identifier: Apache-2.0
package io.meshlens.wire;

import java.nio.ByteBuffer;

/**
 * Reads {@code struct record_header} in place. A view is valid until the buffer's owner reuses the
 * bytes.
 */
public final class RecordHeaderReader {
  public static final int SIZE_BYTES = 8;

  private ByteBuffer buffer = ByteBuffer.allocate(0);
  private int offset;

  /** Looks at the structure at an offset of a buffer in native byte order. */
  public void wrap(ByteBuffer newBuffer, int newOffset) {
    buffer = newBuffer;
    offset = newOffset;
  }

  public int kind() {
    return buffer.getShort(offset) & 0xffff;
  }

  public int version() {
    return buffer.getShort(offset + 2) & 0xffff;
  }

  public long lengthBytes() {
    return buffer.getInt(offset + 4) & 0xffff_ffffL;
  }
}
