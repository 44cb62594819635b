// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

/** Cumulative sums since the kernel programs were loaded; bytes are payload. */
public record Sums(
    long connectionsOpened,
    long connectionsClosed,
    long connectionsFailed,
    long bytesSent,
    long bytesReceived,
    long packetsSent,
    long packetsReceived,
    long retransmits) {
  public static final Sums ZERO = new Sums(0, 0, 0, 0, 0, 0, 0, 0);

  public Sums plus(Sums other) {
    return new Sums(
        connectionsOpened + other.connectionsOpened,
        connectionsClosed + other.connectionsClosed,
        connectionsFailed + other.connectionsFailed,
        bytesSent + other.bytesSent,
        bytesReceived + other.bytesReceived,
        packetsSent + other.packetsSent,
        packetsReceived + other.packetsReceived,
        retransmits + other.retransmits);
  }

  public boolean isZero() {
    return equals(ZERO);
  }
}
