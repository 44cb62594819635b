// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the connections of one side did in all: as the applications counted, as the records say, or
 * as the sums do.
 *
 * @param failed by errno name, or {@code aborted}
 */
record Totals(long opened, long closed, Map<String, Long> failed, long sent, long received) {
  private static final Map<String, String> REPORTERS =
      Map.of("outbound", "source", "inbound", "destination");

  Totals {
    failed = Map.copyOf(failed);
  }

  /** An {@code End} of traffic.py. */
  static Totals ofApplication(JsonNode end) {
    Map<String, Long> failed = new HashMap<>();
    end.path("failed").properties().forEach(f -> failed.put(f.getKey(), f.getValue().asLong()));
    return new Totals(
        end.path("opened").asLong(),
        end.path("closed").asLong(),
        failed,
        end.path("sent").asLong(),
        end.path("received").asLong());
  }

  /** Final records of one direction. */
  static Totals ofRecords(List<JsonNode> records, String direction) {
    Totals totals = new Totals(0, 0, Map.of(), 0, 0);
    for (JsonNode record : records) {
      if (record.path("direction").asText().equals(direction)) {
        totals = totals.plus(ofRecord(record));
      }
    }
    return totals;
  }

  private static Totals ofRecord(JsonNode record) {
    boolean closed = record.path("event").asText().equals("closed");
    String why = record.path(record.has("error") ? "error" : "termination").asText();
    return new Totals(
        closed ? 1 : 0,
        closed ? 1 : 0,
        closed ? Map.of() : Map.of(why, 1L),
        record.path("bytes_sent").asLong(),
        record.path("bytes_received").asLong());
  }

  /** The sums with the given labels, among others. */
  static Totals ofSums(MetricsPage page, String direction, Map<String, String> labels) {
    Map<String, String> side = new TreeMap<>(labels);
    side.put("reporter", REPORTERS.getOrDefault(direction, ""));
    Map<String, Long> failed = new HashMap<>();
    String name = "mesh_tcp_connections_failed_total";
    for (String type : page.values(name, "error_type")) {
      Map<String, String> typed = new TreeMap<>(side);
      typed.put("error_type", type);
      failed.put(type, page.sum(name, typed));
    }
    failed.values().removeIf(count -> count == 0);
    return new Totals(
        page.sum("mesh_tcp_connections_opened_total", side),
        page.sum("mesh_tcp_connections_closed_total", side),
        failed,
        io(page, side, "transmit"),
        io(page, side, "receive"));
  }

  static Totals ofSums(MetricsPage page, String direction) {
    return ofSums(page, direction, Map.of());
  }

  private static long io(MetricsPage page, Map<String, String> side, String direction) {
    Map<String, String> labels = new TreeMap<>(side);
    labels.put("network_io_direction", direction);
    return page.sum("mesh_tcp_io_bytes_total", labels);
  }

  Totals plus(Totals other) {
    Map<String, Long> both = new HashMap<>(failed);
    other.failed.forEach((why, count) -> both.merge(why, count, Long::sum));
    return new Totals(
        opened + other.opened,
        closed + other.closed,
        both,
        sent + other.sent,
        received + other.received);
  }

  /** Connections of which there is a record, or was until it got lost. */
  long ended() {
    return closed + failed.values().stream().mapToLong(Long::longValue).sum();
  }
}
