// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.export.Answer.Accepted;
import io.meshlens.export.Answer.Failed;
import io.meshlens.metrics.ConnectionDurations;
import io.meshlens.metrics.DurationSeries;
import io.meshlens.metrics.MeshMetrics;
import io.meshlens.metrics.Series;
import io.meshlens.metrics.SeriesTable;
import io.opentelemetry.sdk.resources.Resource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * The part of a push that tells of connections. Their points do not pass through SDK instruments,
 * {@link Deltas} or {@link Backlog}, each of which would keep another copy of every series.
 *
 * <p>They are sent in requests of bounded size, one after the other, and each is made when the one
 * before was answered. What a request held is noted as taken only when it was: what counts from the
 * last push that was taken is carried on, exactly, when one was not. The push after one that was
 * cut short begins with the request that failed, so that no series waits for ever. Owned by:
 * export-otlp.
 */
final class MeshPush {
  /** Some 4,000 points or 1 MB. */
  private static final int SERIES_IN_REQUEST = 500;

  /** Sends one request. */
  @FunctionalInterface
  interface Sender {
    /**
     * Sends it.
     *
     * @param request an encoded ExportMetricsServiceRequest
     */
    Answer send(byte[] request, int points) throws InterruptedException;
  }

  /** Series whose points go into one request. */
  private record Portion<S>(List<S> series, Function<List<S>, MeshPoints.Batch> points) {
    MeshPoints.Batch batch() {
      return points.apply(series);
    }

    /** The first half is to be sent first. */
    void halve(Deque<Portion<?>> waiting) {
      int half = series.size() / 2;
      waiting.addFirst(new Portion<>(series.subList(half, series.size()), points));
      waiting.addFirst(new Portion<>(series.subList(0, half), points));
    }
  }

  private final MeshMetrics mesh;
  private final MeshPoints points;
  private int first;

  /**
   * @param maxRequestBytes only a request of one series is larger
   */
  MeshPush(MeshMetrics mesh, Resource resource, OtlpConfig config, int maxRequestBytes) {
    this.mesh = mesh;
    points = new MeshPoints(resource, config, maxRequestBytes);
    mesh.expectPushes();
  }

  /**
   * Sends every series; a collection of the SDK's metrics has brought the sums up to date.
   *
   * @return the first failure
   */
  Optional<Failed> push(Sender sender) throws InterruptedException {
    long nowEpochNs = mesh.sums().accountedEpochNs();
    List<Portion<?>> portions = portions(nowEpochNs);
    int begin = portions.isEmpty() ? 0 : first % portions.size();
    Optional<Failed> failure = Optional.empty();
    for (int i = 0; i < portions.size(); i++) {
      int at = (begin + i) % portions.size();
      Optional<Failed> failed = send(portions.get(at), sender);
      failure = failure.or(() -> failed);
      if (failed.isPresent() && !failed.get().cause().isOfTheRequest()) {
        // What hinders this request hinders the others.
        first = at;
        return failure;
      }
    }
    if (failure.isEmpty()) {
      mesh.pushed(nowEpochNs);
    }
    return failure;
  }

  private List<Portion<?>> portions(long nowEpochNs) {
    List<Portion<?>> portions = new ArrayList<>();
    for (SeriesTable table : mesh.sums().tables()) {
      Function<List<Series>, MeshPoints.Batch> of =
          some -> points.sums(table.metrics(), some, nowEpochNs);
      split(mesh.sums().series(table)).forEach(some -> portions.add(new Portion<>(some, of)));
    }
    for (ConnectionDurations.Table table : mesh.durations().tables()) {
      Function<List<DurationSeries>, MeshPoints.Batch> of =
          some -> points.durations(table.metrics(), some, nowEpochNs);
      split(List.copyOf(table.series())).forEach(some -> portions.add(new Portion<>(some, of)));
    }
    return portions;
  }

  private static <T> List<List<T>> split(List<T> series) {
    List<List<T>> parts = new ArrayList<>();
    for (int from = 0; from < series.size(); from += SERIES_IN_REQUEST) {
      parts.add(series.subList(from, Math.min(series.size(), from + SERIES_IN_REQUEST)));
    }
    return parts;
  }

  private Optional<Failed> send(Portion<?> whole, Sender sender) throws InterruptedException {
    Deque<Portion<?>> waiting = new ArrayDeque<>(List.of(whole));
    Optional<Failed> failure = Optional.empty();
    while (!waiting.isEmpty()) {
      Portion<?> portion = waiting.removeFirst();
      MeshPoints.Batch batch = portion.batch();
      if (batch.isTooLarge()) {
        portion.halve(waiting);
        continue;
      }
      if (batch.points() == 0) {
        continue;
      }
      switch (sender.send(batch.request(), batch.points())) {
        case Accepted accepted -> batch.taken().run();
        case Failed failed -> {
          failure = failure.or(() -> Optional.of(failed));
          if (!failed.cause().isOfTheRequest()) {
            return Optional.of(failed);
          }
        }
      }
    }
    return failure;
  }
}
