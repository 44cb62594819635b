// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * What a final record says about the end of a connection, as one side saw it.
 *
 * @param error the errno name; empty where there is none
 */
record Ending(
    String direction,
    String event,
    String termination,
    String error,
    long bytesSent,
    long bytesReceived) {
  static Ending of(JsonNode record) {
    return new Ending(
        record.path("direction").asText(),
        record.path("event").asText(),
        record.path("termination").asText(),
        record.path("error").asText(),
        record.path("bytes_sent").asLong(-1),
        record.path("bytes_received").asLong(-1));
  }

  /** An established connection that is over, as the side says that connected. */
  static Ending outbound(String termination, long bytesSent, long bytesReceived) {
    return new Ending("outbound", "closed", termination, "", bytesSent, bytesReceived);
  }

  /** An established connection that is over, as the side says that listened. */
  static Ending inbound(String termination, long bytesSent, long bytesReceived) {
    return new Ending("inbound", "closed", termination, "", bytesSent, bytesReceived);
  }

  /** A connection that was never established. */
  static Ending failed(String termination, String error) {
    return new Ending("outbound", "failed", termination, error, 0, 0);
  }
}
