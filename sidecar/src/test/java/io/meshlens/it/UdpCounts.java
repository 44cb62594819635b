// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;

/** What one end of UDP sent and received. */
record UdpCounts(long packetsSent, long bytesSent, long packetsReceived, long bytesReceived) {
  static UdpCounts of(JsonNode record) {
    return new UdpCounts(
        record.path("packets_sent").asLong(),
        record.path("bytes_sent").asLong(),
        record.path("packets_received").asLong(),
        record.path("bytes_received").asLong());
  }

  static UdpCounts sumOf(List<JsonNode> records) {
    UdpCounts sum = new UdpCounts(0, 0, 0, 0);
    for (JsonNode record : records) {
      sum = sum.plus(of(record));
    }
    return sum;
  }

  UdpCounts plus(UdpCounts other) {
    return new UdpCounts(
        packetsSent + other.packetsSent,
        bytesSent + other.bytesSent,
        packetsReceived + other.packetsReceived,
        bytesReceived + other.bytesReceived);
  }

  /** The sums of a server port as a side reports them. */
  static UdpCounts ofSums(MetricsPage page, String reporter, String serverPort) {
    return new UdpCounts(
        sum(page, "packets", reporter, serverPort, "transmit"),
        sum(page, "io_bytes", reporter, serverPort, "transmit"),
        sum(page, "packets", reporter, serverPort, "receive"),
        sum(page, "io_bytes", reporter, serverPort, "receive"));
  }

  private static long sum(
      MetricsPage page, String metric, String reporter, String serverPort, String direction) {
    return page.sum(
        "mesh_udp_" + metric + "_total",
        Map.of(
            "network_transport",
            "udp",
            "reporter",
            reporter,
            "destination_port",
            serverPort,
            "network_io_direction",
            direction));
  }
}
