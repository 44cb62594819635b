// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import io.meshlens.flow.Address;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.ConnectionSink;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Identities;
import io.meshlens.flow.Identity;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Histograms of the durations of connections, from the records of those that have ended: one that
 * is lost in the ring is missing here, and counted as lost.
 *
 * <p>Owned by: ring-reader, which never waits here and allocates nothing for ends that it has seen
 * lately. Other threads read the series.
 */
public final class ConnectionDurations implements ConnectionSink {
  private static final long NANOS_PER_MICRO = 1_000;
  private static final long SWEEP_INTERVAL_NS = 10_000_000_000L;

  /** Ends whose series are found without allocating. */
  private static final int KNOWN_ENDS = 1 << 14;

  private static final int PROBES = 4;

  /** Series of one shape. */
  public static final class Table {
    private final Shape shape;
    private final List<MeshMetric> metrics;
    private final List<Timing> timings;
    private final Map<LabelSet, DurationSeries> byLabels = new ConcurrentHashMap<>();
    private final Map<Direction, DurationSeries> overflow = new EnumMap<>(Direction.class);
    private int used;

    private Table(Shape shape, List<MeshMetric> metrics) {
      this.shape = shape;
      this.metrics = List.copyOf(metrics);
      timings = metrics.stream().flatMap(metric -> metric.timing().stream()).toList();
    }

    public List<MeshMetric> metrics() {
      return metrics;
    }

    public Collection<DurationSeries> series() {
      return byLabels.values();
    }
  }

  /** Ends that were met, and their series, one for each table. */
  private record Known(
      Direction direction,
      long clientHigh,
      long clientLow,
      long serverHigh,
      long serverLow,
      int serverPort,
      Identity source,
      Identity destination,
      List<DurationSeries> series) {
    boolean is(Connection c, Identity client, Identity server) {
      boolean outbound = c.direction == Direction.OUTBOUND;
      return direction == c.direction
          && clientLow == (outbound ? c.localLow : c.remoteLow)
          && serverLow == (outbound ? c.remoteLow : c.localLow)
          && serverPort == (outbound ? c.remotePort : c.localPort)
          && clientHigh == (outbound ? c.localHigh : c.remoteHigh)
          && serverHigh == (outbound ? c.remoteHigh : c.localHigh)
          && source.equals(client)
          && destination.equals(server);
    }

    boolean isUpToDate() {
      for (int i = 0; i < series.size(); i++) {
        if (series.get(i).dropped) {
          return false;
        }
      }
      return true;
    }
  }

  private final List<Table> tables;
  private final Identities identities;
  private final int maxSeries;
  private final long idleTimeoutNs;
  private final Vitals vitals;
  private final @Nullable Known[] known = new Known[KNOWN_ENDS];
  private long newestEpochNs;
  private long newestMonoNs;
  private long sweptMonoNs;
  private volatile long pushedEpochNs = Long.MAX_VALUE;

  public ConnectionDurations(
      MetricsConfig config, Detail detail, Identities identities, Vitals vitals) {
    this.identities = identities;
    this.vitals = vitals;
    maxSeries = config.maxSeries();
    idleTimeoutNs = config.idleTimeout().toNanos();
    LabelText text = new LabelText(vitals);
    List<Table> made = new ArrayList<>();
    Shape.group(
            MeshMetric.of(config.profile()).stream()
                .filter(metric -> metric.kind() == MeshMetric.Kind.HISTOGRAM),
            config.attributes())
        .forEach(
            (columns, metrics) -> made.add(new Table(new Shape(columns, detail, text), metrics)));
    tables = List.copyOf(made);
  }

  /** Histograms that share their series; none when the profile has no histogram. */
  public List<Table> tables() {
    return tables;
  }

  @Override
  public void accept(Connection c) {
    if (c.event != ConnectionEvent.CLOSED) {
      return;
    }
    newestEpochNs = Math.max(newestEpochNs, c.endEpochNs);
    newestMonoNs = Math.max(newestMonoNs, c.endMonoNs);
    long connectNs = c.connectNs();
    List<DurationSeries> found = find(c);
    for (int i = 0; i < found.size(); i++) {
      DurationSeries series = found.get(i);
      series.changedEpochNs = newestEpochNs;
      series.changedMonoNs = newestMonoNs;
      if (connectNs > 0) {
        series.record(Timing.CONNECT, connectNs);
      }
      if (c.rttUs > 0) {
        series.record(Timing.RTT, c.rttUs * NANOS_PER_MICRO);
      }
      if (!c.adopted) {
        series.record(Timing.CONNECTION, c.durationNs());
      }
    }
  }

  private List<DurationSeries> find(Connection c) {
    boolean outbound = c.direction == Direction.OUTBOUND;
    Identity client = identity(c.source, c, outbound);
    Identity server = identity(c.destination, c, !outbound);
    int at = hash(c);
    for (int i = 0; i < PROBES; i++) {
      Known entry = known[(at + i) & (KNOWN_ENDS - 1)];
      if (entry != null && entry.is(c, client, server) && entry.isUpToDate()) {
        return entry.series;
      }
    }
    return meet(c, client, server, at);
  }

  /** As the record says, else as the sums say it. */
  private Identity identity(Identity told, Connection c, boolean local) {
    if (!told.isUnknown()) {
      return told;
    }
    return local
        ? identities.find(c.localHigh, c.localLow, c.endEpochNs)
        : identities.find(c.remoteHigh, c.remoteLow, c.endEpochNs);
  }

  private static int hash(Connection c) {
    long hash = (c.localLow ^ c.localHigh) * 0x9e37_79b9_7f4a_7c15L;
    hash = (hash ^ hash >>> 29 ^ c.remoteLow ^ c.remoteHigh) * 0xbf58_476d_1ce4_e5b9L;
    int port = c.direction == Direction.OUTBOUND ? c.remotePort : c.localPort;
    hash = (hash ^ hash >>> 31) + ((long) port << 1) + c.direction.ordinal();
    return (int) ((hash * 0x9e37_79b9_7f4a_7c15L) >>> 40);
  }

  private List<DurationSeries> meet(Connection c, Identity client, Identity server, int at) {
    Address source = c.client();
    Address destination = c.server();
    Ends ends = new Ends(c.direction, source, destination, c.serverPort(), client, server);
    List<DurationSeries> series = tables.stream().map(table -> find(table, ends, c)).toList();
    int free = at;
    for (int i = 0; i < PROBES; i++) {
      Known entry = known[(at + i) & (KNOWN_ENDS - 1)];
      if (entry == null || entry.is(c, client, server)) {
        free = at + i;
        break;
      }
    }
    known[free & (KNOWN_ENDS - 1)] =
        new Known(
            c.direction,
            source.high(),
            source.low(),
            destination.high(),
            destination.low(),
            c.serverPort(),
            client,
            server,
            series);
    return series;
  }

  private DurationSeries find(Table table, Ends ends, Connection c) {
    LabelSet labels = table.shape.labels(ends);
    DurationSeries found = table.byLabels.get(labels);
    if (found != null) {
      return found;
    }
    long start = c.endEpochNs - 1;
    if (table.used >= maxSeries) {
      vitals.increment(Vital.SERIES_FOLDED);
      DurationSeries overflow =
          table.overflow.computeIfAbsent(
              ends.reporter(),
              side -> new DurationSeries(table.shape.overflow(side), table.timings, start));
      table.byLabels.put(overflow.labels(), overflow);
      return overflow;
    }
    DurationSeries series = new DurationSeries(labels, table.timings, start);
    table.byLabels.put(labels, series);
    table.used++;
    return series;
  }

  @Override
  public void endBatch() {
    if (newestMonoNs - sweptMonoNs < SWEEP_INTERVAL_NS) {
      return;
    }
    sweptMonoNs = newestMonoNs;
    long oldestMonoNs = newestMonoNs - idleTimeoutNs;
    long pushed = pushedEpochNs;
    boolean dropped = false;
    for (Table table : tables) {
      for (Iterator<DurationSeries> each = table.byLabels.values().iterator(); each.hasNext(); ) {
        DurationSeries series = each.next();
        if (series.changedMonoNs < oldestMonoNs
            && series.changedEpochNs <= pushed
            && !series.labels().isOverflow()) {
          series.dropped = true;
          each.remove();
          table.used--;
          dropped = true;
        }
      }
    }
    if (dropped) {
      // There is room: those in the overflow may have a series of their own now.
      Arrays.fill(known, null);
    }
  }

  /** There is somebody who pushes: a series stays until its last change was taken. */
  public void expectPushes() {
    pushedEpochNs = Long.MIN_VALUE;
  }

  /** All that was recorded until then has been taken. */
  public void pushed(long untilEpochNs) {
    pushedEpochNs = untilEpochNs;
  }
}
