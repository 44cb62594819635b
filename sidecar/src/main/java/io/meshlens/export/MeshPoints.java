// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static io.opentelemetry.proto.metrics.v1.AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE;
import static io.opentelemetry.proto.metrics.v1.AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA;

import io.meshlens.export.MetricsRequest.Kind;
import io.meshlens.export.OtlpConfig.Histograms;
import io.meshlens.export.OtlpConfig.Temporality;
import io.meshlens.flow.Transport;
import io.meshlens.metrics.Counts;
import io.meshlens.metrics.DurationSeries;
import io.meshlens.metrics.HistogramSnapshot;
import io.meshlens.metrics.Labelled;
import io.meshlens.metrics.MeshMetric;
import io.meshlens.metrics.MeshMetric.Part;
import io.meshlens.metrics.Quantity;
import io.meshlens.metrics.Series;
import io.meshlens.metrics.Timing;
import io.opentelemetry.sdk.resources.Resource;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Writes points of series into requests, and remembers with each series what was taken, where
 * points count from there. Owned by: export-otlp.
 */
final class MeshPoints {
  private static final String SCOPE = "meshlens";

  /** What a receiver has taken of a series. */
  private static final class Taken {
    private byte[] counts = Counts.NOTHING_PACKED;
    private long untilEpochNs;
  }

  private record TakenDurations(Map<Timing, HistogramSnapshot> histograms, long untilEpochNs) {
    static final TakenDurations NOTHING = new TakenDurations(Map.of(), 0);
  }

  /**
   * A request, and what there is to do once a receiver has taken it.
   *
   * @param request of no length when it would be too large
   * @param taken never runs when it has not
   */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  record Batch(byte[] request, int points, Runnable taken) {
    private static final Batch TOO_LARGE = new Batch(new byte[0], 0, () -> {});

    boolean isTooLarge() {
      return request.length == 0;
    }
  }

  private final Temporality temporality;
  private final Kind histograms;
  private final int maxRequestBytes;
  private final MetricsRequest request;
  private final AttributeBytes ofSums = Kind.SUM.attributes();
  private final AttributeBytes ofDurations;

  /**
   * @param maxRequestBytes only a request of one series is larger
   */
  MeshPoints(Resource resource, OtlpConfig config, int maxRequestBytes) {
    temporality = config.temporality();
    histograms =
        config.histograms() == Histograms.EXPLICIT
            ? Kind.EXPLICIT_HISTOGRAM
            : Kind.EXPONENTIAL_HISTOGRAM;
    this.maxRequestBytes = maxRequestBytes;
    request = new MetricsRequest(resource, SCOPE);
    ofDurations = histograms.attributes();
  }

  /** All points of some series that share their metrics. */
  Batch sums(List<MeshMetric> metrics, List<Series> series, long nowEpochNs) {
    boolean delta = temporality == Temporality.DELTA;
    Counts[] now = new Counts[series.size()];
    Counts[] since = delta ? new Counts[now.length] : now;
    long[] startEpochNs = new long[now.length];
    for (int i = 0; i < now.length; i++) {
      Series one = series.get(i);
      now[i] = one.counts();
      Taken before = delta && one.pushState() instanceof Taken t ? t : null;
      since[i] = before == null ? now[i] : now[i].since(before.counts);
      startEpochNs[i] = before == null ? one.startEpochNs() : before.untilEpochNs;
    }
    boolean fits = begin(ofSums, series);
    for (int i = 0; fits && i < metrics.size(); i++) {
      MeshMetric metric = metrics.get(i);
      boolean isCounter = metric.kind() == MeshMetric.Kind.COUNTER;
      Points points = new Points(metric, series, nowEpochNs);
      request.open(metric, Kind.SUM);
      for (int at = 0; fits && at < now.length; at++) {
        if (delta && isCounter) {
          points.add(at, since[at], startEpochNs[at], false);
        } else {
          points.add(at, now[at], series.get(at).startEpochNs(), true);
        }
        fits = fits(series);
      }
      request.closeSum(
          delta && isCounter ? AGGREGATION_TEMPORALITY_DELTA : AGGREGATION_TEMPORALITY_CUMULATIVE,
          isCounter);
    }
    return finish(
        fits,
        series,
        () -> {
          for (int i = 0; delta && i < now.length; i++) {
            note(series.get(i), now[i], nowEpochNs);
          }
        });
  }

  /** In place, where it was before: 100,000 objects that live from push to push burden the heap. */
  private static void note(Series series, Counts now, long nowEpochNs) {
    Taken taken = series.pushState() instanceof Taken t ? t : new Taken();
    taken.counts = now.packed(taken.counts);
    taken.untilEpochNs = nowEpochNs;
    series.setPushState(taken);
  }

  /** False when it would become too large, and may be halved. */
  private boolean begin(AttributeBytes attributes, List<? extends Labelled> series) {
    request.begin();
    attributes.clear();
    boolean fits = true;
    for (int i = 0; fits && i < series.size(); i++) {
      attributes.add(series.get(i).labels());
      fits = series.size() == 1 || attributes.lengthBytes() <= maxRequestBytes;
    }
    return fits;
  }

  private boolean fits(List<?> series) {
    return series.size() == 1 || request.leastBytes() <= maxRequestBytes;
  }

  private Batch finish(boolean fits, List<?> series, Runnable taken) {
    if (!fits) {
      return Batch.TOO_LARGE;
    }
    byte[] bytes = request.finish();
    return series.size() > 1 && bytes.length > maxRequestBytes
        ? Batch.TOO_LARGE
        : new Batch(bytes, request.points(), taken);
  }

  /** Points of one metric. */
  private final class Points {
    private final MeshMetric metric;
    private final List<Series> series;
    private final long nowEpochNs;

    /** What each part's points have beside the series' attributes. */
    private final List<byte[]> parts;

    Points(MeshMetric metric, List<Series> series, long nowEpochNs) {
      this.metric = metric;
      this.series = series;
      this.nowEpochNs = nowEpochNs;
      parts =
          metric.parts().stream()
              .map(
                  part ->
                      part.value().isEmpty()
                          ? AttributeBytes.NONE
                          : ofSums.attribute(part.attribute(), part.value()))
              .toList();
    }

    void add(int at, Counts counts, long startEpochNs, boolean tellsZero) {
      for (int i = 0; i < parts.size(); i++) {
        Part part = metric.parts().get(i);
        if (part.isByError()) {
          addFailures(at, part, counts, startEpochNs);
          continue;
        }
        long value = counts.get(part.quantity(), series.get(at).reporter());
        if (value != 0 || (tellsZero && isWorthZero(metric, part, counts))) {
          add(at, parts.get(i), startEpochNs, value);
        }
      }
    }

    private void addFailures(int at, Part part, Counts counts, long startEpochNs) {
      for (Counts.Failures failures : counts.failures()) {
        if (failures.count() != 0) {
          byte[] type =
              failures.type().isEmpty()
                  ? AttributeBytes.NONE
                  : ofSums.attribute(part.attribute(), failures.type());
          add(at, type, startEpochNs, failures.count());
        }
      }
    }

    private void add(int at, byte[] part, long startEpochNs, long value) {
      request.number(
          ofSums,
          at,
          part,
          ofSums.last(series.get(at).labels()),
          Math.min(startEpochNs, nowEpochNs),
          nowEpochNs,
          value);
    }
  }

  /** A rate sees the first increment of a counter only when it was there before. */
  static boolean isWorthZero(MeshMetric metric, Part part, Counts counts) {
    return (metric.transport() == Transport.UDP || counts.isConnected())
        && part.quantity() != Quantity.FAILED;
  }

  /** All histograms of some series that share their metrics. */
  Batch durations(List<MeshMetric> metrics, List<DurationSeries> series, long nowEpochNs) {
    boolean delta = temporality != Temporality.CUMULATIVE;
    List<Map<Timing, HistogramSnapshot>> now =
        series.stream().map(s -> snapshots(s, metrics)).toList();
    boolean fits = begin(ofDurations, series);
    for (int i = 0; fits && i < metrics.size(); i++) {
      Timing timing = metrics.get(i).timing().orElseThrow();
      request.open(metrics.get(i), histograms);
      for (int at = 0; fits && at < series.size(); at++) {
        HistogramSnapshot histogram = now.get(at).get(timing);
        if (histogram != null) {
          add(at, series.get(at), timing, histogram, nowEpochNs);
          fits = fits(series);
        }
      }
      request.closeHistogram(
          delta ? AGGREGATION_TEMPORALITY_DELTA : AGGREGATION_TEMPORALITY_CUMULATIVE);
    }
    return finish(
        fits,
        series,
        () -> {
          for (int i = 0; delta && i < now.size(); i++) {
            series.get(i).setPushState(new TakenDurations(now.get(i), nowEpochNs));
          }
        });
  }

  private static Map<Timing, HistogramSnapshot> snapshots(
      DurationSeries series, List<MeshMetric> metrics) {
    Map<Timing, HistogramSnapshot> snapshots = new EnumMap<>(Timing.class);
    for (MeshMetric metric : metrics) {
      Timing timing = metric.timing().orElseThrow();
      series.histogram(timing).ifPresent(h -> snapshots.put(timing, h.snapshot()));
    }
    return snapshots;
  }

  /** Histograms of a cumulative push count from the beginning: nothing is noted as taken. */
  private void add(
      int at, DurationSeries series, Timing timing, HistogramSnapshot now, long nowEpochNs) {
    TakenDurations before =
        series.pushState() instanceof TakenDurations t ? t : TakenDurations.NOTHING;
    HistogramSnapshot taken = before.histograms.get(timing);
    HistogramSnapshot histogram = taken == null ? now : now.since(taken);
    if (histogram.count() == 0) {
      return;
    }
    long start = before.untilEpochNs == 0 ? series.startEpochNs() : before.untilEpochNs;
    request.histogram(
        histograms,
        ofDurations,
        at,
        ofDurations.last(series.labels()),
        Math.min(start, nowEpochNs),
        nowEpochNs,
        histogram,
        taken == null);
  }
}
