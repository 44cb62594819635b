// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.ConnectionSink;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Termination;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import io.meshlens.wire.ConnectionRecordReader;
import io.meshlens.wire.WireCodes;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Consumer;

/**
 * Takes connection records from the event channel and hands each to the sinks.
 *
 * <p>Owned by: ring-reader. Reading a record makes no call into native code and no object; what a
 * record claims about itself is checked before it is believed.
 */
public final class ConnectionReader implements EventConsumer {
  private final ConnectionSink[] sinks;
  private final MonoClock clock;
  private final Vitals vitals;
  private final ConnectionRecordReader wire = new ConnectionRecordReader();
  private final Connection connection = new Connection();
  private final Consumer<Connection> enricher;

  /**
   * Reads for the sinks.
   *
   * @param enricher adds to each connection what its record does not know
   */
  public ConnectionReader(
      List<ConnectionSink> sinks, Consumer<Connection> enricher, MonoClock clock, Vitals vitals) {
    this.sinks = sinks.toArray(new ConnectionSink[0]);
    this.enricher = enricher;
    this.clock = clock;
    this.vitals = vitals;
  }

  @Override
  public void accept(ByteBuffer data, int offset) {
    if (sinks.length == 0) {
      return; // the sums have its numbers
    }
    wire.wrap(data, offset);
    if (!fill()) {
      vitals.increment(Vital.RECORDS_LOST_UNKNOWN_KIND);
      return;
    }
    enricher.accept(connection);
    for (ConnectionSink sink : sinks) {
      sink.accept(connection);
    }
  }

  @Override
  public void endBatch() {
    for (ConnectionSink sink : sinks) {
      sink.endBatch();
    }
  }

  /** Copies the wire record into the scratch connection; false when a code in it is unknown. */
  private boolean fill() {
    Connection c = connection;
    switch (wire.event()) {
      case WireCodes.CONNECTION_EVENT_CLOSED -> c.event = ConnectionEvent.CLOSED;
      case WireCodes.CONNECTION_EVENT_FAILED -> c.event = ConnectionEvent.FAILED;
      case WireCodes.CONNECTION_EVENT_PERIODIC -> c.event = ConnectionEvent.PERIODIC;
      case WireCodes.CONNECTION_EVENT_OPENED -> c.event = ConnectionEvent.OPENED;
      default -> {
        return false;
      }
    }
    switch (wire.direction()) {
      case WireCodes.CONNECTION_DIRECTION_OUTBOUND -> c.direction = Direction.OUTBOUND;
      case WireCodes.CONNECTION_DIRECTION_INBOUND -> c.direction = Direction.INBOUND;
      default -> {
        return false;
      }
    }
    c.socketCookie = wire.socketCookie();
    c.incarnation = wire.incarnation();
    c.startMonoNs = wire.startMonoNs();
    c.adopted = (wire.flags() & WireCodes.CONNECTION_FLAG_ADOPTED) != 0;
    c.establishedMonoNs = wire.establishedMonoNs();
    c.endMonoNs = wire.endMonoNs();
    c.endEpochNs = clock.epochNs(c.endMonoNs);
    fillEnds(c);
    c.error = wire.error();
    c.termination =
        (wire.flags() & WireCodes.CONNECTION_FLAG_RESET) != 0
            ? Termination.RESET_LOCAL
            : Termination.of(c.event, c.error, wire.lastState());
    fillCounts(c);
    fillOwner(c);
    return true;
  }

  private void fillEnds(Connection c) {
    c.localHigh = wire.localAddressWord(0);
    c.localLow = wire.localAddressWord(1);
    c.remoteHigh = wire.remoteAddressWord(0);
    c.remoteLow = wire.remoteAddressWord(1);
    c.localPort = wire.localPort();
    c.remotePort = wire.remotePort();
    c.dialledHigh = wire.dialledAddressWord(0);
    c.dialledLow = wire.dialledAddressWord(1);
    c.dialledPortOrZero = wire.dialledPort();
    c.reachedPortOrZero = 0;
    c.originPortOrZero = 0;
  }

  private void fillCounts(Connection c) {
    c.bytesSent = wire.bytesSent();
    c.bytesReceived = wire.bytesReceived();
    c.bytesRetransmitted = wire.bytesRetransmitted();
    c.packetsSent = wire.packetsSent();
    c.packetsReceived = wire.packetsReceived();
    c.retransmits = wire.retransmits();
    c.synRetransmits = wire.synRetransmits();
    c.timeouts = wire.timeouts();
    c.reorderingEvents = wire.reorderingEvents();
    c.segmentsDelivered = wire.segmentsDelivered();
    c.segmentsLost = wire.segmentsLost();
    c.ecnCeSegments = wire.ecnCeSegments();
    c.rwndLimitedUs = wire.rwndLimitedUs();
    c.rttUs = wire.rttUs();
    c.rttVarUs = wire.rttVarUs();
    c.minRttUs = wire.minRttUs();
  }

  private void fillOwner(Connection c) {
    c.pid = wire.pid();
    c.cgroupId = wire.cgroupId();
    c.netns = wire.netns();
    wire.copyComm(c.comm);
    int length = 0;
    while (length < c.comm.length && c.comm[length] != 0) {
      length++;
    }
    c.commLengthBytes = length;
  }
}
