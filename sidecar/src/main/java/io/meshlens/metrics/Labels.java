// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import io.meshlens.flow.Address;
import io.meshlens.flow.AddressPair;
import io.meshlens.flow.Direction;
import java.util.Optional;

/**
 * The attributes of one series.
 *
 * @param ends absent for the overflow series, which stands for all pairs that found no room
 * @param ioDirection {@code transmit} or {@code receive}, where the metric has one
 * @param errorType errno name, or {@code aborted}, where the metric has one
 */
public record Labels(
    Direction reporter,
    Optional<Ends> ends,
    Optional<String> ioDirection,
    Optional<String> errorType) {
  public static final String TRANSMIT = "transmit";
  public static final String RECEIVE = "receive";

  /**
   * Client, server and server port as text.
   *
   * @param sourceAddress absent for attempts of sockets that never had an address
   */
  public record Ends(
      Optional<String> sourceAddress, String destinationAddress, int destinationPort) {
    static Ends of(AddressPair pair) {
      return new Ends(
          Optional.of(pair.client()).filter(client -> !client.isUnspecified()).map(Address::text),
          pair.server().text(),
          pair.serverPort());
    }
  }

  Labels withIoDirection(String direction) {
    return new Labels(reporter, ends, Optional.of(direction), errorType);
  }

  Labels withErrorType(String type) {
    return new Labels(reporter, ends, ioDirection, Optional.of(type));
  }
}
