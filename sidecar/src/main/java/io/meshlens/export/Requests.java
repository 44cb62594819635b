// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.metrics.data.PointData;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** Metrics in portions that a receiver takes: gRPC servers refuse messages above 4 MiB. */
final class Requests {
  private Requests() {}

  /** Portions with at most that many points each; a metric may be in several. */
  static List<List<MetricData>> of(Collection<MetricData> metrics, int maxPoints) {
    List<List<MetricData>> requests = new ArrayList<>();
    List<MetricData> request = new ArrayList<>();
    int room = maxPoints;
    for (MetricData metric : metrics) {
      List<? extends PointData> points = List.copyOf(metric.getData().getPoints());
      int from = 0;
      while (from < points.size()) {
        if (room == 0) {
          requests.add(request);
          request = new ArrayList<>();
          room = maxPoints;
        }
        int to = Math.min(points.size(), from + room);
        request.add(
            to - from == points.size()
                ? metric
                : Metric.withPoints(metric, points.subList(from, to)));
        room -= to - from;
        from = to;
      }
    }
    if (!request.isEmpty()) {
      requests.add(request);
    }
    return requests;
  }

  static int points(Collection<MetricData> metrics) {
    return metrics.stream().mapToInt(metric -> metric.getData().getPoints().size()).sum();
  }
}
