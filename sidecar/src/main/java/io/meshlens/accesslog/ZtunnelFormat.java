// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import java.util.ArrayList;

/**
 * The line of ztunnel's access log: same keys, order and words; a key whose value is unknown is
 * left out. Counts are those of the reporting socket, as they are there. Identities are absent:
 * nobody proved any.
 */
final class ZtunnelFormat {
  private static final byte[] DURATION = " duration=\"".getBytes(US_ASCII);
  private static final int NUMBER_AND_UNIT_BYTES = 24;
  private static final long NANOS_PER_MILLI = 1_000_000L;

  private ZtunnelFormat() {}

  static LineFormat of() {
    TimePattern time = TimePattern.of("%Y-%m-%dT%H:%M:%E6SZ", new ArrayList<>());
    return new PartList()
        .value(TextPart.of(time.maxBytes(), (c, out, at) -> time.write(c.endEpochNs, out, at)))
        .literal("\t")
        .bare(c -> c.event == ConnectionEvent.FAILED ? "error" : "info")
        .literal("\taccess\tconnection ")
        .bare(ZtunnelFormat::what)
        .literal("\tsrc.addr=")
        .value(TextOperators.address(Connection::client, Connection::clientPort))
        .quotedIfKnown("src.workload", c -> WorkloadNames.podOrWorkload(c.source))
        .quotedIfKnown("src.namespace", c -> c.source.namespace())
        .literal(" dst.addr=")
        .value(TextOperators.address(Connection::reached, Connection::reachedPort))
        .quotedIfKnown("dst.service", c -> WorkloadNames.hostOrService(c.destination))
        .quotedIfKnown("dst.workload", c -> WorkloadNames.podOrWorkload(c.destination))
        .quotedIfKnown("dst.namespace", c -> c.destination.namespace())
        .quotedIfKnown("direction", c -> c.direction.label())
        .literal(" bytes_sent=")
        .number(c -> c.bytesSent)
        .literal(" bytes_recv=")
        .number(c -> c.bytesReceived)
        .ifKnown(TextPart.of(DURATION.length + NUMBER_AND_UNIT_BYTES, ZtunnelFormat::duration))
        .quotedIfKnown("error", ZtunnelFormat::error)
        .format();
  }

  private static int duration(Connection c, byte[] out, int start) {
    if (c.adopted) {
      return start;
    }
    System.arraycopy(DURATION, 0, out, start, DURATION.length);
    int at = start + DURATION.length;
    at = Digits.write(c.durationNs() / NANOS_PER_MILLI, out, at);
    out[at++] = 'm';
    out[at++] = 's';
    out[at++] = '"';
    return at;
  }

  private static String what(Connection c) {
    return switch (c.event) {
      case OPENED -> "opened";
      case PERIODIC -> "open";
      case CLOSED, FAILED -> "complete";
    };
  }

  private static String error(Connection c) {
    if (c.event != ConnectionEvent.FAILED) {
      return "";
    }
    String error = RecordFields.error(c);
    return error.isEmpty() ? c.termination.label() : error;
  }
}
