// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Termination;

/** Connections for the tests of the formatters. */
final class Samples {
  static final long MAPPED = 0x0000_ffff_0000_0000L;

  private Samples() {}

  /** Everything is known. */
  static Connection full() {
    Connection c = minimal();
    c.incarnation = 3;
    c.establishedMonoNs = 1_000_000_431L;
    c.bytesSent = 119;
    c.bytesReceived = 4_294_967_311L;
    c.bytesRetransmitted = 13;
    c.packetsSent = 17;
    c.packetsReceived = 19;
    c.retransmits = 2;
    c.synRetransmits = 1;
    c.timeouts = 3;
    c.reorderingEvents = 5;
    c.segmentsDelivered = 23;
    c.segmentsLost = 7;
    c.ecnCeSegments = 11;
    c.rwndLimitedUs = 8_009;
    c.dialledLow = MAPPED | 0x0a60_0001L;
    c.dialledPortOrZero = 80;
    c.containerId = "3f".repeat(32);
    c.rttUs = 211;
    c.rttVarUs = 37;
    c.minRttUs = 53;
    c.pid = 4711;
    c.cgroupId = 7919;
    c.netns = 4_026_531_840L;
    comm(c, "curl".getBytes(US_ASCII));
    return c;
  }

  /** What may be unknown is. */
  static Connection minimal() {
    Connection c = new Connection();
    c.event = ConnectionEvent.CLOSED;
    c.direction = Direction.OUTBOUND;
    c.termination = Termination.FIN_REMOTE;
    c.socketCookie = 0x4d2;
    c.startMonoNs = 1_000_000_000L;
    c.endMonoNs = 3_000_000_007L;
    // 2026-11-21T00:45:53.123456789Z
    c.endEpochNs = 1_795_221_953_123_456_789L;
    c.localLow = MAPPED | 0x0a01_0203L;
    c.localPort = 40_001;
    c.remoteHigh = 0x2001_0db8_0000_0000L;
    c.remoteLow = 5;
    c.remotePort = 443;
    return c;
  }

  /** Refused. */
  static Connection failed() {
    Connection c = minimal();
    c.event = ConnectionEvent.FAILED;
    c.termination = Termination.REFUSED;
    c.error = 111;
    return c;
  }

  static void comm(Connection c, byte[] comm) {
    System.arraycopy(comm, 0, c.comm, 0, comm.length);
    c.commLengthBytes = comm.length;
  }
}
