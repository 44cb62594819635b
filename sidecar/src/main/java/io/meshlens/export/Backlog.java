// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.metrics.data.PointData;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What the receiver has not confirmed. A sum that is still collected needs no keeping, because its
 * next value holds the last; of a series that is collected no more, the last value waits here.
 * Owned by: export-otlp.
 */
final class Backlog {
  private final int maxWaitingPoints;
  private List<MetricData> unconfirmed = List.of();
  private volatile long waitingPoints;

  /**
   * @param maxWaitingPoints last values that may wait; more are lost
   */
  Backlog(int maxWaitingPoints) {
    this.maxWaitingPoints = maxWaitingPoints;
  }

  /** What a collection lacks of what was not confirmed, and how many points were lost. */
  record Rest(List<MetricData> metrics, long lostPoints) {}

  /** Last values of series that a collection does not have any more. */
  Rest missingFrom(Collection<MetricData> collected) {
    if (unconfirmed.isEmpty()) {
      waitingPoints = 0;
      return new Rest(List.of(), 0);
    }
    Map<Metric.Name, Set<Attributes>> present = new HashMap<>();
    unconfirmed.forEach(metric -> present.put(Metric.Name.of(metric), new HashSet<>()));
    for (MetricData metric : collected) {
      Set<Attributes> attributes = present.get(Metric.Name.of(metric));
      if (attributes != null) {
        metric.getData().getPoints().forEach(point -> attributes.add(point.getAttributes()));
      }
    }
    List<MetricData> rest = new ArrayList<>();
    long waiting = 0;
    long lost = 0;
    for (MetricData metric : unconfirmed) {
      Set<Attributes> attributes = present.getOrDefault(Metric.Name.of(metric), Set.of());
      List<PointData> missing = new ArrayList<>();
      for (PointData point : metric.getData().getPoints()) {
        if (!attributes.contains(point.getAttributes())) {
          if (waiting < maxWaitingPoints) {
            missing.add(point);
            waiting++;
          } else {
            lost++;
          }
        }
      }
      if (!missing.isEmpty()) {
        rest.add(Metric.withPoints(metric, missing));
      }
    }
    waitingPoints = waiting;
    return new Rest(rest, lost);
  }

  /** What a push has left; levels need no keeping. */
  void keep(Collection<List<MetricData>> failedRequests) {
    unconfirmed =
        failedRequests.stream()
            .flatMap(List::stream)
            .filter(metric -> !Metric.isLevel(metric))
            .toList();
  }

  /** How many last values wait; for any thread. */
  long waitingPoints() {
    return waitingPoints;
  }
}
