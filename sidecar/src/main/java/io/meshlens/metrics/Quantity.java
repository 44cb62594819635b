// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import io.meshlens.flow.Direction;
import io.meshlens.flow.Sum;

/** One number of a series. */
public enum Quantity {
  OPENED,
  CLOSED,
  FAILED,
  ACTIVE,
  /** What the reporting socket sent. */
  SENT,
  RECEIVED,
  /** From client to server, whoever reports. */
  TO_SERVER,
  TO_CLIENT,
  PACKETS_SENT,
  PACKETS_RECEIVED,
  RETRANSMITS;

  /** Where it is kept, for a side that reports. */
  int slot(Direction reporter) {
    return switch (this) {
      case OPENED -> Sum.CONNECTIONS_OPENED.ordinal();
      case CLOSED -> Sum.CONNECTIONS_CLOSED.ordinal();
      case FAILED -> Sum.CONNECTIONS_FAILED.ordinal();
      case ACTIVE -> Counts.ACTIVE;
      case SENT -> Sum.BYTES_SENT.ordinal();
      case RECEIVED -> Sum.BYTES_RECEIVED.ordinal();
      case TO_SERVER -> (reporter == Direction.OUTBOUND ? SENT : RECEIVED).slot(reporter);
      case TO_CLIENT -> (reporter == Direction.OUTBOUND ? RECEIVED : SENT).slot(reporter);
      case PACKETS_SENT -> Sum.PACKETS_SENT.ordinal();
      case PACKETS_RECEIVED -> Sum.PACKETS_RECEIVED.ordinal();
      case RETRANSMITS -> Sum.RETRANSMITS.ordinal();
    };
  }
}
