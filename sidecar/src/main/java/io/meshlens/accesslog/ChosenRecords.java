// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import io.meshlens.accesslog.EventsConfig.Opened;
import io.meshlens.accesslog.EventsConfig.Periodic;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionSink;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vitals;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Gives a log the records that it wants, and counts the others by cause.
 *
 * <p>Judged by the ring reader, before a record is formatted or copied: what is left out costs
 * nothing more, and an expression takes less time than a line. Nothing here waits. Owned by:
 * ring-reader; but {@link #change} is for any thread.
 */
public final class ChosenRecords implements ConnectionSink {
  private static final Duration LEAST_STALE = Duration.ofMinutes(1);
  private static final int INTERVALS_UNTIL_STALE = 3;

  private final ConnectionSink log;
  private final String name;
  private final EventsConfig events;
  private final PeriodicRounds rounds;
  private final int index;
  private final ConnectionIds ids;
  private final ChoiceVitals counters;
  private final Vitals vitals;
  private final Log ownLog;
  private final Optional<Deltas> deltas;
  private volatile Choice choice;

  /**
   * Chooses for a log.
   *
   * @param name of the log for messages, such as {@code stdout}
   * @param index of the log in {@code rounds}
   */
  public ChosenRecords(
      ConnectionSink log,
      String name,
      EventsConfig events,
      ChoiceConfig choice,
      PeriodicRounds rounds,
      int index,
      ConnectionIds ids,
      ChoiceVitals counters,
      Vitals vitals,
      Log ownLog) {
    this.log = log;
    this.name = name;
    this.events = events;
    this.rounds = rounds;
    this.index = index;
    this.ids = ids;
    this.counters = counters;
    this.vitals = vitals;
    this.ownLog = ownLog;
    deltas =
        events.periodic() == Periodic.DELTA
            ? Optional.of(new Deltas(Deltas.MAX_CONNECTIONS, staleNs(events)))
            : Optional.empty();
    this.choice = new Choice(choice, ids);
  }

  private static long staleNs(EventsConfig events) {
    long intervals =
        events.periodicInterval().map(Duration::toNanos).orElse(0L) * INTERVALS_UNTIL_STALE;
    return Math.max(intervals, TimeUnit.SECONDS.toNanos(LEAST_STALE.toSeconds()));
  }

  /** Chooses otherwise from the next record on. */
  public void change(ChoiceConfig config) {
    choice = new Choice(config, ids);
  }

  @Override
  public void accept(Connection c) {
    if (!isWanted(c)) {
      vitals.increment(counters.event());
      return;
    }
    switch (choice.judge(c)) {
      case KEPT -> give(c);
      case KEPT_IN_DOUBT -> {
        vitals.increment(counters.errors());
        ownLog.warnRepeated(
            name + "-filter",
            "access_log.%s.filter has no value for some records, which are kept; test with has()"
                .formatted(name));
        give(c);
      }
      case FILTERED -> vitals.increment(counters.filter());
      case NOT_SAMPLED -> vitals.increment(counters.sampling());
      case LIMITED -> vitals.increment(counters.rateLimit());
    }
  }

  private boolean isWanted(Connection c) {
    return switch (c.event) {
      case CLOSED, FAILED -> true;
      case OPENED -> events.opened() == Opened.ON;
      case PERIODIC -> events.periodic() != Periodic.OFF && rounds.isOf(index, c.endMonoNs);
    };
  }

  private void give(Connection c) {
    if (deltas.isEmpty()) {
      log.accept(c);
    } else if (deltas.get().take(c)) {
      log.accept(deltas.get().delta());
    } else {
      vitals.increment(counters.deltasFull());
    }
  }

  @Override
  public void endBatch() {
    log.endBatch();
  }
}
