// SPDX-License-Identifier: Apache-2.0
package io.meshlens.netlink;

import java.nio.ByteBuffer;

/**
 * Owned by: the thread that fills it. Source and destination of one direction of a TCP connection,
 * mutable and reused. An address is two big-endian halves of its 16-byte form; IPv4 is IPv4-mapped.
 */
public final class ConntrackTuple {
  /** Bytes from one tuple to the next in a lookup's buffer, which is in network order. */
  static final int SIZE_BYTES = 40;

  public long sourceHigh;
  public long sourceLow;
  public long destinationHigh;
  public long destinationLow;
  public int sourcePort;
  public int destinationPort;

  /** Returns whether the other is the way back: source and destination change places. */
  public boolean isInverseOf(ConntrackTuple other) {
    return sourceHigh == other.destinationHigh
        && sourceLow == other.destinationLow
        && sourcePort == other.destinationPort
        && destinationHigh == other.sourceHigh
        && destinationLow == other.sourceLow
        && destinationPort == other.sourcePort;
  }

  void write(ByteBuffer buffer, int at) {
    buffer.putLong(at, sourceHigh).putLong(at + 8, sourceLow);
    buffer.putLong(at + 16, destinationHigh).putLong(at + 24, destinationLow);
    buffer.putShort(at + 32, port(sourcePort)).putShort(at + 34, port(destinationPort));
  }

  void read(ByteBuffer buffer, int at) {
    sourceHigh = buffer.getLong(at);
    sourceLow = buffer.getLong(at + 8);
    destinationHigh = buffer.getLong(at + 16);
    destinationLow = buffer.getLong(at + 24);
    sourcePort = Short.toUnsignedInt(buffer.getShort(at + 32));
    destinationPort = Short.toUnsignedInt(buffer.getShort(at + 34));
  }

  private static short port(int port) {
    if (port >>> Short.SIZE != 0) {
      throw new IllegalArgumentException("not a port: " + port);
    }
    return (short) port;
  }
}
