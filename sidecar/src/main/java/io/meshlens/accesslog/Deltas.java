// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import io.meshlens.flow.Connection;
import java.util.HashMap;
import java.util.Map;

/**
 * Turns counts since the start of a connection into counts since its record before, so that the sum
 * over all records is what the connection carried. Remembers open connections with a record only.
 * When there is no room to remember, the record is left out, and a later one carries its counts.
 * Owned by: ring-reader.
 */
final class Deltas {
  /** About 6 MiB when full. */
  static final int MAX_CONNECTIONS = 32_768;

  private static final int COUNTS = 13;

  private record Key(long socketCookie, long incarnation) {}

  private static final class Last {
    final long[] counts = new long[COUNTS];
    long seenMonoNs;
  }

  private final Map<Key, Last> open = new HashMap<>();
  private final Connection delta = new Connection();
  private final long[] now = new long[COUNTS];
  private final int maxConnections;
  private final long staleNs;
  private long cleanedMonoNs;

  /**
   * @param staleNs a connection without a record for so long is gone; it has one each interval
   */
  Deltas(int maxConnections, long staleNs) {
    this.maxConnections = maxConnections;
    this.staleNs = staleNs;
    cleanedMonoNs = Long.MIN_VALUE;
  }

  /** Whether a record has its counts now, in {@link #delta()}; else it must be left out. */
  boolean take(Connection c) {
    c.copyTo(delta);
    delta.countsAreDeltas = true;
    read(c);
    Key key = new Key(c.socketCookie, c.incarnation);
    boolean over = !c.event.isOpen();
    Last last = over ? open.remove(key) : open.get(key);
    if (last == null && !over) {
      if (open.size() >= maxConnections && !clean(c.endMonoNs)) {
        return false;
      }
      last = new Last();
      open.put(key, last);
    }
    if (last != null) {
      for (int i = 0; i < COUNTS; i++) {
        long before = last.counts[i];
        last.counts[i] = Math.max(before, now[i]);
        now[i] = last.counts[i] - before;
      }
      last.seenMonoNs = c.endMonoNs;
    }
    write();
    return true;
  }

  /** The record of the last {@link #take}, until the next. */
  Connection delta() {
    return delta;
  }

  /** Forgets those whose end was lost; whether there is room now. */
  private boolean clean(long nowMonoNs) {
    if (cleanedMonoNs == Long.MIN_VALUE || nowMonoNs - cleanedMonoNs > staleNs) {
      cleanedMonoNs = nowMonoNs;
      open.values().removeIf(last -> nowMonoNs - last.seenMonoNs > staleNs);
    }
    return open.size() < maxConnections;
  }

  private void read(Connection c) {
    now[0] = c.bytesSent;
    now[1] = c.bytesReceived;
    now[2] = c.bytesRetransmitted;
    now[3] = c.packetsSent;
    now[4] = c.packetsReceived;
    now[5] = c.retransmits;
    now[6] = c.synRetransmits;
    now[7] = c.timeouts;
    now[8] = c.reorderingEvents;
    now[9] = c.segmentsDelivered;
    now[10] = c.segmentsLost;
    now[11] = c.ecnCeSegments;
    now[12] = c.rwndLimitedUs;
  }

  private void write() {
    delta.bytesSent = now[0];
    delta.bytesReceived = now[1];
    delta.bytesRetransmitted = now[2];
    delta.packetsSent = now[3];
    delta.packetsReceived = now[4];
    delta.retransmits = now[5];
    delta.synRetransmits = now[6];
    delta.timeouts = now[7];
    delta.reorderingEvents = now[8];
    delta.segmentsDelivered = now[9];
    delta.segmentsLost = now[10];
    delta.ecnCeSegments = now[11];
    delta.rwndLimitedUs = now[12];
  }
}
