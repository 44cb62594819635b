// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import io.meshlens.flow.AddressPair;
import io.meshlens.flow.Errno;
import io.meshlens.flow.Sums;
import io.meshlens.flow.SumsSnapshot;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** All series at one moment: for each metric its points. */
public final class MetricsSnapshot {
  /** The value of {@code error.type} when the application gave up before any error. */
  static final String ABORTED = "aborted";

  /** One series and its cumulative value. */
  public record Point(Labels labels, long value) {}

  private final Map<MeshMetric, List<Point>> points = new EnumMap<>(MeshMetric.class);

  private MetricsSnapshot() {}

  /**
   * Derives the series; rows that differ only in their error share all series but {@code failed}.
   */
  public static MetricsSnapshot of(SumsSnapshot sums) {
    MetricsSnapshot snapshot = new MetricsSnapshot();
    Map<Labels, Sums> byLabels = new HashMap<>();
    sums.byPair()
        .forEach(
            (pair, row) -> {
              Labels labels = labels(pair);
              byLabels.merge(labels, row, Sums::plus);
              if (row.connectionsFailed() != 0) {
                snapshot.add(
                    MeshMetric.CONNECTIONS_FAILED,
                    labels.withErrorType(errorType(pair.error())),
                    row.connectionsFailed());
              }
            });
    sums.overflow()
        .forEach(
            (direction, row) -> {
              Labels labels =
                  new Labels(direction, Optional.empty(), Optional.empty(), Optional.empty());
              byLabels.put(labels, row);
              if (row.connectionsFailed() != 0) {
                snapshot.add(MeshMetric.CONNECTIONS_FAILED, labels, row.connectionsFailed());
              }
            });
    byLabels.forEach(snapshot::addAll);
    snapshot.addUdp(sums);
    return snapshot;
  }

  private void addUdp(SumsSnapshot sums) {
    Map<Labels, Sums> byLabels = new HashMap<>();
    sums.udpByPair().forEach((pair, row) -> byLabels.merge(labels(pair), row, Sums::plus));
    sums.udpOverflow()
        .forEach(
            (direction, row) ->
                byLabels.put(
                    new Labels(direction, Optional.empty(), Optional.empty(), Optional.empty()),
                    row));
    byLabels.forEach(this::addUdp);
  }

  private static Labels labels(AddressPair pair) {
    return new Labels(
        pair.direction(), Optional.of(Labels.Ends.of(pair)), Optional.empty(), Optional.empty());
  }

  private static String errorType(int error) {
    return error == 0 ? ABORTED : Errno.name(error);
  }

  private void addAll(Labels labels, Sums row) {
    if (row.connectionsOpened() != 0 || row.connectionsClosed() != 0) {
      add(MeshMetric.CONNECTIONS_OPENED, labels, row.connectionsOpened());
      add(MeshMetric.CONNECTIONS_CLOSED, labels, row.connectionsClosed());
      // The rows of two processors are not read at one instant: never less than none.
      add(
          MeshMetric.CONNECTIONS_ACTIVE,
          labels,
          Math.max(0, row.connectionsOpened() - row.connectionsClosed()));
    }
    add(MeshMetric.IO, labels.withIoDirection(Labels.TRANSMIT), row.bytesSent());
    add(MeshMetric.IO, labels.withIoDirection(Labels.RECEIVE), row.bytesReceived());
    add(MeshMetric.PACKETS, labels.withIoDirection(Labels.TRANSMIT), row.packetsSent());
    add(MeshMetric.PACKETS, labels.withIoDirection(Labels.RECEIVE), row.packetsReceived());
    add(MeshMetric.RETRANSMITS, labels, row.retransmits());
  }

  private void addUdp(Labels labels, Sums row) {
    add(MeshMetric.UDP_IO, labels.withIoDirection(Labels.TRANSMIT), row.bytesSent());
    add(MeshMetric.UDP_IO, labels.withIoDirection(Labels.RECEIVE), row.bytesReceived());
    add(MeshMetric.UDP_PACKETS, labels.withIoDirection(Labels.TRANSMIT), row.packetsSent());
    add(MeshMetric.UDP_PACKETS, labels.withIoDirection(Labels.RECEIVE), row.packetsReceived());
  }

  private void add(MeshMetric metric, Labels labels, long value) {
    points.computeIfAbsent(metric, m -> new ArrayList<>()).add(new Point(labels, value));
  }

  public List<Point> points(MeshMetric metric) {
    return List.copyOf(points.getOrDefault(metric, List.of()));
  }
}
