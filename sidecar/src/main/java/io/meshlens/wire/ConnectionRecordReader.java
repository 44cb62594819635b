// SPDX-License-Identifier: Apache-2.0
package io.meshlens.wire;

import java.nio.ByteBuffer;

/**
 * Reads {@code struct connection_record} in place. A view is valid until the buffer's owner reuses
 * the bytes.
 */
public final class ConnectionRecordReader {
  public static final int SIZE_BYTES = 184;

  private ByteBuffer buffer = ByteBuffer.allocate(0);
  private int offset;

  /** Looks at the structure at an offset of a buffer in native byte order. */
  public void wrap(ByteBuffer newBuffer, int newOffset) {
    buffer = newBuffer;
    offset = newOffset;
  }

  public long socketCookie() {
    return buffer.getLong(offset + 8);
  }

  public long startMonoNs() {
    return buffer.getLong(offset + 16);
  }

  public long establishedMonoNs() {
    return buffer.getLong(offset + 24);
  }

  public long endMonoNs() {
    return buffer.getLong(offset + 32);
  }

  public long bytesSent() {
    return buffer.getLong(offset + 40);
  }

  public long bytesReceived() {
    return buffer.getLong(offset + 48);
  }

  public long bytesRetransmitted() {
    return buffer.getLong(offset + 56);
  }

  public long packetsSent() {
    return buffer.getLong(offset + 64);
  }

  public long packetsReceived() {
    return buffer.getLong(offset + 72);
  }

  public long cgroupId() {
    return buffer.getLong(offset + 80);
  }

  /** Bytes 8 * index to 8 * index + 7 of {@code local_address} as a big-endian number. */
  public long localAddressWord(int index) {
    return Long.reverseBytes(buffer.getLong(offset + 88 + index * 8));
  }

  /** Bytes 8 * index to 8 * index + 7 of {@code remote_address} as a big-endian number. */
  public long remoteAddressWord(int index) {
    return Long.reverseBytes(buffer.getLong(offset + 104 + index * 8));
  }

  /** Copies the 16 bytes of {@code comm}. */
  public void copyComm(byte[] target) {
    buffer.get(offset + 120, target, 0, 16);
  }

  public long netns() {
    return buffer.getInt(offset + 136) & 0xffff_ffffL;
  }

  public long pid() {
    return buffer.getInt(offset + 140) & 0xffff_ffffL;
  }

  public long rttUs() {
    return buffer.getInt(offset + 144) & 0xffff_ffffL;
  }

  public long rttVarUs() {
    return buffer.getInt(offset + 148) & 0xffff_ffffL;
  }

  public long minRttUs() {
    return buffer.getInt(offset + 152) & 0xffff_ffffL;
  }

  public long retransmits() {
    return buffer.getInt(offset + 156) & 0xffff_ffffL;
  }

  public long synRetransmits() {
    return buffer.getInt(offset + 160) & 0xffff_ffffL;
  }

  public int localPort() {
    return Short.reverseBytes(buffer.getShort(offset + 164)) & 0xffff;
  }

  public int remotePort() {
    return Short.reverseBytes(buffer.getShort(offset + 166)) & 0xffff;
  }

  public int states() {
    return buffer.getShort(offset + 168) & 0xffff;
  }

  public int error() {
    return buffer.getShort(offset + 170) & 0xffff;
  }

  public int incarnation() {
    return buffer.getShort(offset + 172) & 0xffff;
  }

  public int direction() {
    return buffer.get(offset + 174) & 0xff;
  }

  public int event() {
    return buffer.get(offset + 175) & 0xff;
  }

  public int shutdown() {
    return buffer.get(offset + 176) & 0xff;
  }
}
