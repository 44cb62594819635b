// SPDX-License-Identifier: Apache-2.0
package io.meshlens.wire;

import java.nio.ByteBuffer;

/**
 * Reads {@code struct sums_value} in place. A view is valid until the buffer's owner reuses the
 * bytes.
 */
public final class SumsValueReader {
  public static final int SIZE_BYTES = 64;

  private ByteBuffer buffer = ByteBuffer.allocate(0);
  private int offset;

  /** Looks at the structure at an offset of a buffer in native byte order. */
  public void wrap(ByteBuffer newBuffer, int newOffset) {
    buffer = newBuffer;
    offset = newOffset;
  }

  public long connectionsOpened() {
    return buffer.getLong(offset);
  }

  public long connectionsClosed() {
    return buffer.getLong(offset + 8);
  }

  public long connectionsFailed() {
    return buffer.getLong(offset + 16);
  }

  public long bytesSent() {
    return buffer.getLong(offset + 24);
  }

  public long bytesReceived() {
    return buffer.getLong(offset + 32);
  }

  public long packetsSent() {
    return buffer.getLong(offset + 40);
  }

  public long packetsReceived() {
    return buffer.getLong(offset + 48);
  }

  public long retransmits() {
    return buffer.getLong(offset + 56);
  }
}
