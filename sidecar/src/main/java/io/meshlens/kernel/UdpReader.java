// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.ConnectionSink;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Termination;
import io.meshlens.flow.Transport;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import io.meshlens.wire.UdpRecordReader;
import io.meshlens.wire.WireCodes;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Consumer;

/**
 * Takes the records of UDP flows from the event channel and hands each to the sinks.
 *
 * <p>Owned by: ring-reader. As {@link ConnectionReader}: no call into native code, no object, and
 * nothing is believed unchecked.
 */
public final class UdpReader implements EventConsumer {
  private final ConnectionSink[] sinks;
  private final MonoClock clock;
  private final Vitals vitals;
  private final UdpRecordReader wire = new UdpRecordReader();
  private final Connection connection = new Connection();
  private final Consumer<Connection> enricher;

  /**
   * Reads for the sinks.
   *
   * @param enricher adds to each flow what its record does not know
   */
  public UdpReader(
      List<ConnectionSink> sinks, Consumer<Connection> enricher, MonoClock clock, Vitals vitals) {
    this.sinks = sinks.toArray(new ConnectionSink[0]);
    this.enricher = enricher;
    this.clock = clock;
    this.vitals = vitals;
    // All that only TCP has stays zero.
    connection.transport = Transport.UDP;
  }

  @Override
  public void accept(ByteBuffer data, int offset) {
    if (sinks.length == 0) {
      return; // the sums have its numbers
    }
    wire.wrap(data, offset);
    if (!fill(connection)) {
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

  private boolean fill(Connection c) {
    return fillEvent(c) && fillDirection(c) && fillRest(c);
  }

  private boolean fillEvent(Connection c) {
    switch (wire.event()) {
      case WireCodes.CONNECTION_EVENT_CLOSED -> c.event = ConnectionEvent.CLOSED;
      case WireCodes.CONNECTION_EVENT_PERIODIC -> {
        c.event = ConnectionEvent.PERIODIC;
        c.termination = Termination.NONE;
        return true;
      }
      default -> {
        return false;
      }
    }
    switch (wire.ending()) {
      case WireCodes.UDP_ENDING_CLOSED -> c.termination = Termination.CLOSED;
      case WireCodes.UDP_ENDING_IDLE -> c.termination = Termination.IDLE;
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean fillDirection(Connection c) {
    switch (wire.direction()) {
      case WireCodes.CONNECTION_DIRECTION_OUTBOUND -> c.direction = Direction.OUTBOUND;
      case WireCodes.CONNECTION_DIRECTION_INBOUND -> c.direction = Direction.INBOUND;
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean fillRest(Connection c) {
    c.socketCookie = wire.socketCookie();
    c.incarnation = wire.flowNumber();
    c.startMonoNs = wire.startMonoNs();
    c.endMonoNs = wire.endMonoNs();
    c.endEpochNs = clock.epochNs(c.endMonoNs);
    c.localHigh = wire.localAddressWord(0);
    c.localLow = wire.localAddressWord(1);
    c.remoteHigh = wire.remoteAddressWord(0);
    c.remoteLow = wire.remoteAddressWord(1);
    c.localPort = wire.localPort();
    c.remotePort = wire.remotePort();
    c.bytesSent = wire.bytesSent();
    c.bytesReceived = wire.bytesReceived();
    c.packetsSent = wire.packetsSent();
    c.packetsReceived = wire.packetsReceived();
    c.pid = wire.pid();
    c.cgroupId = wire.cgroupId();
    c.netns = wire.netns();
    wire.copyComm(c.comm);
    int length = 0;
    while (length < c.comm.length && c.comm[length] != 0) {
      length++;
    }
    c.commLengthBytes = length;
    return true;
  }
}
