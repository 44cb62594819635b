// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import io.meshlens.flow.Connection;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Transport;
import java.util.ArrayList;
import java.util.function.ToLongFunction;

/**
 * The line of Kmesh's access log: same keys, order and words. Counts are those of the reporting
 * socket, as they are there.
 */
final class KmeshFormat {
  /** As Go prints a time. */
  private static final String TIME = "%Y-%m-%d %H:%M:%S.%f +0000 UTC";

  private static final int NUMBER_BYTES = 24;
  private static final long NANOS_PER_MILLI = 1_000_000L;
  private static final int FRACTION_DIGITS = 6;

  private KmeshFormat() {}

  static LineFormat of() {
    TimePattern now = TimePattern.of(TIME, new ArrayList<>());
    TimePattern start = TimePattern.of(TIME, new ArrayList<>());
    return new PartList()
        .literal("accesslog: ")
        .value(TextPart.of(now.maxBytes(), (c, out, at) -> now.write(c.endEpochNs, out, at)))
        .literal(" src.addr=")
        .value(TextOperators.address(Connection::client, Connection::clientPort))
        .literal(", src.workload=")
        .bare(c -> WorkloadNames.podOrWorkload(c.source))
        .literal(", src.namespace=")
        .bare(c -> c.source.namespace())
        .literal(", dst.addr=")
        .value(TextOperators.address(Connection::reached, Connection::reachedPort))
        .literal(", dst.service=")
        .bare(c -> WorkloadNames.hostOrService(c.destination))
        .literal(", dst.workload=")
        .bare(c -> WorkloadNames.podOrWorkload(c.destination))
        .literal(", dst.namespace=")
        .bare(KmeshFormat::destinationNamespace)
        .literal(", start_time=")
        .value(
            TextPart.of(
                start.maxBytes(),
                (c, out, at) -> c.adopted ? at : start.write(c.startEpochNs(), out, at)))
        .literal(", direction=")
        .bare(c -> c.direction == Direction.OUTBOUND ? "OUTBOUND" : "INBOUND")
        .literal(", state=")
        .bare(KmeshFormat::state)
        .literal(", sent_bytes=")
        .number(c -> c.bytesSent)
        .literal(", received_bytes=")
        .number(c -> c.bytesReceived)
        .literal(", packet_loss=")
        .value(ofTcp(c -> c.segmentsLost))
        .literal(", retransmissions=")
        .value(ofTcp(c -> c.retransmits))
        .literal(", srtt=")
        .value(micros(c -> c.rttUs))
        .literal("us, min_rtt=")
        .value(micros(c -> c.minRttUs))
        .literal("us, duration=")
        .value(TextPart.of(NUMBER_BYTES, KmeshFormat::millis))
        .literal("ms")
        .format();
  }

  private static TextPart ofTcp(ToLongFunction<Connection> value) {
    return TextPart.of(
        NUMBER_BYTES,
        (c, out, at) ->
            c.transport == Transport.TCP ? Digits.write(value.applyAsLong(c), out, at) : at);
  }

  /** There 0 is what is unknown. */
  private static TextPart micros(ToLongFunction<Connection> value) {
    return TextPart.of(
        NUMBER_BYTES,
        (c, out, at) ->
            value.applyAsLong(c) == 0 ? at : Digits.write(value.applyAsLong(c), out, at));
  }

  /** There it is the service's, where there is a service. */
  private static String destinationNamespace(Connection c) {
    return c.destination.serviceNamespace().isEmpty()
        ? c.destination.namespace()
        : c.destination.serviceNamespace();
  }

  private static String state(Connection c) {
    if (c.transport == Transport.UDP) {
      return "";
    }
    return switch (c.event) {
      case OPENED, PERIODIC -> "BPF_TCP_ESTABLISHED";
      case CLOSED, FAILED -> "BPF_TCP_CLOSE";
    };
  }

  /** Milliseconds with as many decimals as there are. */
  private static int millis(Connection c, byte[] out, int start) {
    if (c.adopted) {
      return start;
    }
    int at = Digits.write(c.durationNs() / NANOS_PER_MILLI, out, start);
    int fraction = (int) (c.durationNs() % NANOS_PER_MILLI);
    if (fraction == 0) {
      return at;
    }
    out[at] = '.';
    at = Digits.writePadded(fraction, FRACTION_DIGITS, out, at + 1);
    while (out[at - 1] == '0') {
      at--;
    }
    return at;
  }
}
