// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import io.meshlens.flow.Identities;
import io.meshlens.flow.Identity;
import io.meshlens.flow.Sum;
import io.meshlens.flow.SumsRow;
import io.meshlens.flow.SumsSource;
import io.meshlens.flow.Transport;
import io.meshlens.metrics.RowLedger.Row;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Adds what the kernel's sums have grown by to the series that it belongs to, whenever somebody
 * asks. Safe for any thread; those who ask take turns.
 *
 * <ol>
 *   <li>Every difference of a row is added once to one series of each table, so totals are the
 *       kernel's.
 *   <li>A row whose ends get another name leaves what was counted where it is; only its open
 *       connections move. So no counter falls.
 *   <li>A series begins no later than the first that it counts.
 *   <li>A series without change or open connection leaves after the idle timeout. When its rows
 *       move again, a new series begins at zero.
 * </ol>
 */
public final class SeriesStore {
  /**
   * How long a row of new ends may wait to be accounted for until both are known: a pod's first
   * connection may be older than the news of the pod.
   */
  static final long IDENTITY_WAIT_NS = 5_000_000_000L;

  private final SumsSource source;
  private final Identities identities;
  private final LongSupplier epochNs;
  private final LongSupplier monoNs;
  private final long idleTimeoutNs;
  private final Vitals vitals;
  private final Log log;
  private final List<SeriesTable> tables;

  /** None of a transport that the profile has no metric for. */
  private final Map<Transport, SeriesTable[]> tablesOf = new EnumMap<>(Transport.class);

  private final Object lock = new Object();
  private final RowLedger ledger = new RowLedger();
  private final long[] difference = new long[Sum.COUNT];
  private long nowEpochNs;
  private long nowMonoNs;
  private boolean patient;
  private long accountedEpochNs;
  private long accountedMonoNs;

  /** Until then pushes were taken; no series leaves before its last change was. */
  private volatile long pushedEpochNs = Long.MAX_VALUE;

  /**
   * @param source reads the sums from the kernel; may throw
   * @param sinceEpochNs start of the sums, perhaps in an earlier process
   * @param epochNs wall-clock time, nanoseconds since the epoch: what points say
   * @param monoNs the monotonic clock, nanoseconds: how long something lasts
   */
  public SeriesStore(
      MetricsConfig config,
      Detail detail,
      SumsSource source,
      Identities identities,
      long sinceEpochNs,
      LongSupplier epochNs,
      LongSupplier monoNs,
      Vitals vitals,
      Log log) {
    this.source = source;
    this.identities = identities;
    this.epochNs = epochNs;
    this.monoNs = monoNs;
    this.vitals = vitals;
    this.log = log;
    idleTimeoutNs = config.idleTimeout().toNanos();
    accountedEpochNs = sinceEpochNs;
    accountedMonoNs = monoNs.getAsLong() - Math.max(0, epochNs.getAsLong() - sinceEpochNs);
    LabelText text = new LabelText(vitals);
    for (Transport transport : Transport.values()) {
      List<SeriesTable> made = new ArrayList<>();
      Shape.group(
              MeshMetric.of(config.profile()).stream()
                  .filter(metric -> metric.kind() != MeshMetric.Kind.HISTOGRAM)
                  .filter(metric -> metric.transport() == transport),
              config.attributes())
          .forEach(
              (columns, metrics) ->
                  made.add(
                      new SeriesTable(
                          new Shape(columns, detail, text), metrics, config.maxSeries())));
      tablesOf.put(transport, made.toArray(new SeriesTable[0]));
    }
    tables = tablesOf.values().stream().flatMap(Arrays::stream).toList();
  }

  /** Whether rows of unknown ends may be left for later. */
  public enum Waiting {
    FOR_IDENTITIES,
    NO_MORE
  }

  /** Reads the sums and accounts for them; what cannot be read is accounted for the next time. */
  public void account(Waiting waiting) {
    synchronized (lock) {
      nowEpochNs = Math.max(epochNs.getAsLong(), accountedEpochNs);
      nowMonoNs = monoNs.getAsLong();
      patient = waiting == Waiting.FOR_IDENTITIES && !identities.equals(Identities.NONE);
      ledger.begin();
      try {
        source.read(this::account);
        ledger.endComplete();
        accountedEpochNs = nowEpochNs;
        accountedMonoNs = nowMonoNs;
      } catch (RuntimeException e) {
        vitals.increment(Vital.SUMS_READ_FAILED);
        log.warnRepeated("sums", "cannot read the kernel's sums, keeping the last ones: " + e);
      }
      dropIdle();
    }
  }

  private void account(SumsRow read) {
    SeriesTable[] places = tablesOf(read.transport);
    if (places.length == 0) {
      return;
    }
    Row row = ledger.find(read, accountedEpochNs, accountedMonoNs);
    if (!RowLedger.subtract(row, read, difference)) {
      return;
    }
    if (read.overflow) {
      if (!row.isAccounted()) {
        row.series = overflow(row, places, startEpochNs(row));
      }
    } else if (!place(row, read, places)) {
      return;
    }
    RowLedger.account(row, read);
    long opened =
        difference[Sum.CONNECTIONS_OPENED.ordinal()] - difference[Sum.CONNECTIONS_CLOSED.ordinal()];
    row.active += opened;
    for (Series series : row.series) {
      series.add(difference, read.error, opened);
      series.changedEpochNs = nowEpochNs;
      series.changedMonoNs = nowMonoNs;
    }
    if (row.folded) {
      vitals.increment(Vital.SERIES_FOLDED);
    }
  }

  private SeriesTable[] tablesOf(Transport transport) {
    return Objects.requireNonNull(tablesOf.get(transport), "every transport has an entry");
  }

  private long startEpochNs(Row row) {
    return row.isAccounted() ? accountedEpochNs : row.sinceEpochNs;
  }

  /** Finds the series of a row; false while it waits for its names. */
  private boolean place(Row row, SumsRow read, SeriesTable[] tablesOfRow) {
    Identity client = identities.find(read.clientHigh, read.clientLow, nowEpochNs);
    Identity server = identities.find(read.serverHigh, read.serverLow, nowEpochNs);
    boolean sameEnds = client.equals(row.source) && server.equals(row.destination);
    if (row.isAccounted() && sameEnds && !isMisplaced(row, tablesOfRow)) {
      return true;
    }
    if (patient
        && !row.isAccounted()
        && (client.isUnknown() || server.isUnknown())
        && nowMonoNs - row.sinceMonoNs < IDENTITY_WAIT_NS) {
      return false;
    }
    row.source = client;
    row.destination = server;
    move(row, tablesOfRow);
    return true;
  }

  /** Its series have left, or there is room now where there was none. */
  private static boolean isMisplaced(Row row, SeriesTable[] tablesOfRow) {
    for (Series series : row.series) {
      if (series.dropped) {
        return true;
      }
    }
    if (row.folded) {
      for (SeriesTable table : tablesOfRow) {
        if (!table.isFull()) {
          return true;
        }
      }
    }
    return false;
  }

  private void move(Row row, SeriesTable[] tablesOfRow) {
    long start = startEpochNs(row);
    Ends ends = row.ends();
    Series[] places = new Series[tablesOfRow.length];
    row.folded = false;
    for (int i = 0; i < places.length; i++) {
      SeriesTable table = tablesOfRow[i];
      Optional<Series> place = table.find(ends, start);
      row.folded |= place.isEmpty();
      places[i] = place.orElseGet(() -> table.overflow(ends.reporter(), start));
    }
    for (int i = 0; i < row.series.length; i++) {
      row.series[i].addActive(-row.active);
      places[i].addActive(row.active);
    }
    row.series = places;
  }

  private static Series[] overflow(Row row, SeriesTable[] tablesOfRow, long start) {
    return Arrays.stream(tablesOfRow)
        .map(table -> table.overflow(row.ends().reporter(), start))
        .toArray(Series[]::new);
  }

  private void dropIdle() {
    long pushed = pushedEpochNs;
    for (SeriesTable table : tables) {
      table.dropIf(
          series ->
              nowMonoNs - series.changedMonoNs > idleTimeoutNs
                  && series.changedEpochNs <= pushed
                  && !series.hasActive());
    }
  }

  /** There is somebody who pushes: a series stays until its last change was taken. */
  public void expectPushes() {
    pushedEpochNs = Long.MIN_VALUE;
  }

  /** All that was accounted for until then has been taken. */
  public void pushed(long untilEpochNs) {
    pushedEpochNs = untilEpochNs;
  }

  /** The moment to which numbers are accounted for, nanoseconds since the epoch. */
  public long accountedEpochNs() {
    synchronized (lock) {
      return accountedEpochNs;
    }
  }

  /** Metrics that share their series. */
  public List<SeriesTable> tables() {
    return tables;
  }

  /** The series of a table as of now. */
  public List<Series> series(SeriesTable table) {
    synchronized (lock) {
      return table.all();
    }
  }

  /** Series of the fullest table, overflow not counted. */
  public long seriesUsed() {
    synchronized (lock) {
      return tables.stream().mapToInt(SeriesTable::size).max().orElse(0);
    }
  }
}
