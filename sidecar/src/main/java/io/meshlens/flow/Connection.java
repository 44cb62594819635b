// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

/**
 * One connection as its reporting socket saw it.
 *
 * <p>Mutable and reused: the ring reader fills the same instance for every record, so that reading
 * allocates nothing. Owned by: ring-reader, for the length of one {@link ConnectionSink#accept}; a
 * sink that keeps it takes a {@link #copy()}, which nobody changes any more.
 */
public final class Connection {
  /** Longest command name of the kernel, TASK_COMM_LEN, in bytes. */
  public static final int COMM_LENGTH_BYTES = 16;

  public Transport transport = Transport.TCP;
  public ConnectionEvent event = ConnectionEvent.CLOSED;
  public Direction direction = Direction.OUTBOUND;
  public Termination termination = Termination.UNKNOWN;

  /** Unique on this node since boot, together with {@link #incarnation}. */
  public long socketCookie;

  /** How many connections the same socket had before this one; of UDP, a number of the flow. */
  public long incarnation;

  /** Outbound: first SYN. Inbound, or when the SYN was not seen: established. */
  public long startMonoNs;

  /** Older than the programs: {@link #startMonoNs} is when it was found, and counts begin there. */
  public boolean adopted;

  /** 0 when never established. */
  public long establishedMonoNs;

  /** When the record was made: the end, or for a periodic record the moment of its numbers. */
  public long endMonoNs;

  /** {@link #endMonoNs} as wall-clock time, nanoseconds since the epoch. */
  public long endEpochNs;

  public long localHigh;
  public long localLow;
  public long remoteHigh;
  public long remoteLow;
  public int localPort;
  public int remotePort;

  /** What the client dialled; port 0 when that is what it reached, or nobody knows. */
  public long dialledHigh;

  public long dialledLow;
  public int dialledPortOrZero;

  /** What the client reached behind the remote address; port 0 when that is the remote address. */
  public long reachedHigh;

  public long reachedLow;
  public int reachedPortOrZero;

  /** The client behind the remote address; port 0 when that is the remote address. */
  public long originHigh;

  public long originLow;
  public int originPortOrZero;

  /** Payload. */
  public long bytesSent;

  public long bytesReceived;
  public long bytesRetransmitted;
  public long packetsSent;
  public long packetsReceived;

  /** Segments, SYNs included. */
  public long retransmits;

  public long synRetransmits;

  /** Retransmission timeouts. */
  public long timeouts;

  public long reorderingEvents;
  public long segmentsDelivered;
  public long segmentsLost;

  /** Delivered segments that met congestion (ECN CE). */
  public long ecnCeSegments;

  /** Time that the peer's receive window held data back, microseconds. */
  public long rwndLimitedUs;

  /** Smoothed round-trip time, microseconds; 0 when the kernel has no sample. */
  public long rttUs;

  public long rttVarUs;
  public long minRttUs;

  /** Positive errno of the end, 0 for none. */
  public int error;

  /** 0 when unknown, like {@link #cgroupId} and {@link #netns}. */
  public long pid;

  public long cgroupId;
  public long netns;

  /** ASCII; empty when unknown. */
  public String containerId = "";

  /** Who the client is. */
  public Identity source = Identity.UNKNOWN;

  /** Who the server is; its service is the one that was dialled, where that is known. */
  public Identity destination = Identity.UNKNOWN;

  /**
   * Whether counts are those since the record before of the same connection in the same log, and
   * not since its start.
   */
  public boolean countsAreDeltas;

  public int commLengthBytes;
  public final byte[] comm = new byte[COMM_LENGTH_BYTES];

  /** An equal instance of its own. */
  public Connection copy() {
    Connection copy = new Connection();
    copyTo(copy);
    return copy;
  }

  /** Makes another instance equal. */
  public void copyTo(Connection copy) {
    copy.transport = transport;
    copy.event = event;
    copy.direction = direction;
    copy.termination = termination;
    copy.socketCookie = socketCookie;
    copy.incarnation = incarnation;
    copy.startMonoNs = startMonoNs;
    copy.adopted = adopted;
    copy.establishedMonoNs = establishedMonoNs;
    copy.endMonoNs = endMonoNs;
    copy.endEpochNs = endEpochNs;
    copy.localHigh = localHigh;
    copy.localLow = localLow;
    copy.remoteHigh = remoteHigh;
    copy.remoteLow = remoteLow;
    copy.localPort = localPort;
    copy.remotePort = remotePort;
    copyTranslation(copy);
    copy.bytesSent = bytesSent;
    copy.bytesReceived = bytesReceived;
    copy.bytesRetransmitted = bytesRetransmitted;
    copy.packetsSent = packetsSent;
    copy.packetsReceived = packetsReceived;
    copy.retransmits = retransmits;
    copy.synRetransmits = synRetransmits;
    copyQuality(copy);
    copy.error = error;
    copy.pid = pid;
    copy.cgroupId = cgroupId;
    copy.netns = netns;
    copy.containerId = containerId;
    copy.source = source;
    copy.destination = destination;
    copy.countsAreDeltas = countsAreDeltas;
    copy.commLengthBytes = commLengthBytes;
    System.arraycopy(comm, 0, copy.comm, 0, comm.length);
  }

  private void copyTranslation(Connection copy) {
    copy.dialledHigh = dialledHigh;
    copy.dialledLow = dialledLow;
    copy.dialledPortOrZero = dialledPortOrZero;
    copy.reachedHigh = reachedHigh;
    copy.reachedLow = reachedLow;
    copy.reachedPortOrZero = reachedPortOrZero;
    copy.originHigh = originHigh;
    copy.originLow = originLow;
    copy.originPortOrZero = originPortOrZero;
  }

  private void copyQuality(Connection copy) {
    copy.timeouts = timeouts;
    copy.reorderingEvents = reorderingEvents;
    copy.segmentsDelivered = segmentsDelivered;
    copy.segmentsLost = segmentsLost;
    copy.ecnCeSegments = ecnCeSegments;
    copy.rwndLimitedUs = rwndLimitedUs;
    copy.rttUs = rttUs;
    copy.rttVarUs = rttVarUs;
    copy.minRttUs = minRttUs;
  }

  /** Duration from {@link #startMonoNs} to {@link #endMonoNs}; never negative. */
  public long durationNs() {
    return Math.max(0, endMonoNs - startMonoNs);
  }

  public long startEpochNs() {
    return endEpochNs - durationNs();
  }

  /** Time from SYN to established; 0 when there was none or its beginning was not seen. */
  public long connectNs() {
    return direction == Direction.OUTBOUND && !adopted && establishedMonoNs > startMonoNs
        ? establishedMonoNs - startMonoNs
        : 0;
  }

  public boolean clientIsLocal() {
    return direction == Direction.OUTBOUND;
  }

  /** Whether {@link #comm} is text as it is: a process may call itself anything. */
  public boolean isCommAscii() {
    for (int i = 0; i < commLengthBytes; i++) {
      if (comm[i] < 0) {
        return false;
      }
    }
    return true;
  }

  public Address client() {
    return clientIsLocal() ? local() : remote();
  }

  public Address server() {
    return clientIsLocal() ? remote() : local();
  }

  public int clientPort() {
    return clientIsLocal() ? localPort : remotePort;
  }

  public int serverPort() {
    return clientIsLocal() ? remotePort : localPort;
  }

  /** The server behind any translation. */
  public Address reached() {
    return reachedPortOrZero != 0 ? new Address(reachedHigh, reachedLow) : server();
  }

  public int reachedPort() {
    return reachedPortOrZero != 0 ? reachedPortOrZero : serverPort();
  }

  /** What the client asked for. */
  public Address dialled() {
    return dialledPortOrZero != 0 ? new Address(dialledHigh, dialledLow) : reached();
  }

  public int dialledPort() {
    return dialledPortOrZero != 0 ? dialledPortOrZero : reachedPort();
  }

  /** The client behind any translation. */
  public Address origin() {
    return originPortOrZero != 0 ? new Address(originHigh, originLow) : client();
  }

  public int originPort() {
    return originPortOrZero != 0 ? originPortOrZero : clientPort();
  }

  public Address local() {
    return new Address(localHigh, localLow);
  }

  public Address remote() {
    return new Address(remoteHigh, remoteLow);
  }
}
