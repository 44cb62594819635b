// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.accesslog.EventsConfig.Opened;
import io.meshlens.accesslog.EventsConfig.Periodic;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.ConnectionSink;
import io.meshlens.flow.Termination;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class ChosenRecordsTest implements ConnectionSink {
  private static final long SECOND_NS = 1_000_000_000L;

  private final Vitals vitals = new Vitals();
  private final List<Connection> given = new ArrayList<>();
  private final ByteArrayOutputStream logged = new ByteArrayOutputStream();

  @Override
  public void accept(Connection connection) {
    given.add(connection.copy());
  }

  @Override
  public void endBatch() {}

  private ChosenRecords records(EventsConfig events, ChoiceConfig choice) {
    return new ChosenRecords(
        this,
        "file",
        events,
        choice,
        new PeriodicRounds(List.of(events.periodicInterval()), 0),
        0,
        new ConnectionIds("1f0c2a9b"),
        ChoiceVitals.FILE,
        vitals,
        new Log(new PrintStream(logged, true, UTF_8), Log.Level.INFO, () -> Instant.EPOCH));
  }

  private static EventsConfig events(Periodic periodic) {
    return new EventsConfig(Opened.OFF, periodic, Optional.of(Duration.ofSeconds(1)));
  }

  private static ChoiceConfig filter(String filter) {
    ChoiceConfig all = ChoiceConfig.ALL;
    return new ChoiceConfig(
        filter, 1, Optional.empty(), all.errors(), Optional.empty(), Optional.empty());
  }

  private static Connection at(ConnectionEvent event, long cookie, long bytes) {
    Connection c = Samples.minimal();
    c.event = event;
    c.socketCookie = cookie;
    c.bytesSent = bytes;
    c.bytesReceived = 3 * bytes;
    c.packetsSent = bytes / 2;
    c.rttUs = 7;
    boolean over = event == ConnectionEvent.CLOSED;
    c.termination = over ? Termination.FIN_LOCAL : Termination.NONE;
    return c;
  }

  @Test
  void finalRecordsAreAlwaysGivenAndOthersWhenTheyAreWanted() {
    ChosenRecords none = records(EventsConfig.FINAL, ChoiceConfig.ALL);
    none.accept(at(ConnectionEvent.OPENED, 1, 0));
    none.accept(at(ConnectionEvent.PERIODIC, 1, 1));
    none.accept(at(ConnectionEvent.CLOSED, 1, 2));
    none.accept(Samples.failed());
    assertThat(given)
        .extracting(c -> c.event)
        .containsExactly(ConnectionEvent.CLOSED, ConnectionEvent.FAILED);
    assertThat(vitals.get(Vital.FILE_LEFT_OUT_EVENT)).isEqualTo(2);

    ChosenRecords all =
        records(
            new EventsConfig(Opened.ON, Periodic.CUMULATIVE, Optional.of(Duration.ofSeconds(1))),
            ChoiceConfig.ALL);
    all.accept(at(ConnectionEvent.OPENED, 1, 0));
    all.accept(at(ConnectionEvent.PERIODIC, 1, 1));
    assertThat(given).hasSize(4);
  }

  @Test
  void whatIsLeftOutIsCountedByCause() {
    ChosenRecords records = records(EventsConfig.FINAL, filter("bytes == 0"));
    records.accept(at(ConnectionEvent.CLOSED, 1, 2));
    records.accept(at(ConnectionEvent.CLOSED, 1, 0));
    assertThat(vitals.get(Vital.FILE_LEFT_OUT_FILTER)).isEqualTo(1);

    records.change(
        new ChoiceConfig(
            "", 0, Optional.of(1), ChoiceConfig.Errors.KEPT, Optional.empty(), Optional.empty()));
    records.accept(at(ConnectionEvent.CLOSED, 1, 2));
    assertThat(vitals.get(Vital.FILE_LEFT_OUT_SAMPLING)).isEqualTo(1);

    records.change(
        new ChoiceConfig(
            "", 1, Optional.of(1), ChoiceConfig.Errors.KEPT, Optional.empty(), Optional.empty()));
    records.accept(at(ConnectionEvent.CLOSED, 1, 2));
    records.accept(at(ConnectionEvent.CLOSED, 1, 2));
    assertThat(vitals.get(Vital.FILE_LEFT_OUT_RATE_LIMIT)).isEqualTo(1);
    assertThat(given).hasSize(2);
  }

  @Test
  void aFilterWithoutAValueKeepsTheRecordAndIsCountedAndSaid() {
    ChosenRecords records = records(EventsConfig.FINAL, filter("source.pod == 'a'"));
    records.accept(at(ConnectionEvent.CLOSED, 1, 2));
    assertThat(given).hasSize(1);
    assertThat(vitals.get(Vital.FILE_FILTER_ERRORS)).isEqualTo(1);
    assertThat(logged.toString(UTF_8)).contains("access_log.file.filter", "has()");
  }

  @Test
  void cumulativeRecordsAreGivenAsTheyAreAndTheLastOfEachConnectionIsItsTotal() {
    ChosenRecords records = records(events(Periodic.CUMULATIVE), ChoiceConfig.ALL);
    records.accept(at(ConnectionEvent.PERIODIC, 1, 10));
    records.accept(at(ConnectionEvent.PERIODIC, 1, 15));
    records.accept(at(ConnectionEvent.CLOSED, 1, 17));
    assertThat(given).extracting(c -> c.bytesSent).containsExactly(10L, 15L, 17L);
    assertThat(given).noneMatch(c -> c.countsAreDeltas);
  }

  @Test
  void sumOfAllDeltasIsTheTotalOfEachConnectionAndTheSharedRecordIsUntouched() {
    ChosenRecords records = records(events(Periodic.DELTA), ChoiceConfig.ALL);
    Random random = new Random(3);
    long[] bytes = new long[50];
    for (int i = 0; i < 5_000; i++) {
      int connection = random.nextInt(bytes.length);
      bytes[connection] += random.nextInt(1_000);
      Connection c = at(ConnectionEvent.PERIODIC, connection, bytes[connection]);
      records.accept(c);
      assertThat(c.bytesSent).isEqualTo(bytes[connection]);
      assertThat(c.countsAreDeltas).isFalse();
    }
    long total = 0;
    for (int i = 0; i < bytes.length; i++) {
      records.accept(at(ConnectionEvent.CLOSED, i, bytes[i]));
      total += bytes[i];
    }
    assertThat(given).allMatch(c -> c.countsAreDeltas && c.rttUs == 7);
    assertThat(given.stream().mapToLong(c -> c.bytesSent).sum()).isEqualTo(total);
    assertThat(given.stream().mapToLong(c -> c.bytesReceived).sum()).isEqualTo(3 * total);
  }

  @Test
  void aShortConnectionsOnlyRecordHasEverythingAlsoInDeltas() {
    ChosenRecords records = records(events(Periodic.DELTA), ChoiceConfig.ALL);
    records.accept(at(ConnectionEvent.CLOSED, 1, 17));
    records.accept(at(ConnectionEvent.CLOSED, 1, 17));
    assertThat(given).extracting(c -> c.bytesSent).containsExactly(17L, 17L);
  }

  @Test
  void whatAFilterLeavesOutIsInTheNextDelta() {
    ChosenRecords records =
        records(events(Periodic.DELTA), filter("event == 'closed' || connection.bytes_sent > 10"));
    records.accept(at(ConnectionEvent.PERIODIC, 1, 10));
    records.accept(at(ConnectionEvent.PERIODIC, 1, 15));
    records.accept(at(ConnectionEvent.CLOSED, 1, 17));
    assertThat(given).extracting(c -> c.bytesSent).containsExactly(15L, 2L);
  }

  @Test
  void deltasWithoutRoomLeaveTheRecordOutAndTheFinalOneHasItAll() {
    Deltas deltas = new Deltas(2, 10 * SECOND_NS);
    assertThat(deltas.take(at(ConnectionEvent.PERIODIC, 1, 5))).isTrue();
    assertThat(deltas.take(at(ConnectionEvent.PERIODIC, 2, 5))).isTrue();
    assertThat(deltas.take(at(ConnectionEvent.PERIODIC, 3, 5))).isFalse();
    assertThat(deltas.take(at(ConnectionEvent.CLOSED, 3, 9))).isTrue();
    assertThat(deltas.delta().bytesSent).isEqualTo(9);
    assertThat(deltas.take(at(ConnectionEvent.CLOSED, 2, 6))).isTrue();
    assertThat(deltas.delta().bytesSent).isEqualTo(1);
    assertThat(deltas.take(at(ConnectionEvent.PERIODIC, 4, 5))).isTrue();
    // The end of 1 and 4 was lost.
    Connection later = at(ConnectionEvent.PERIODIC, 5, 5);
    later.endMonoNs += 30 * SECOND_NS;
    assertThat(deltas.take(later)).isTrue();
  }

  @Test
  void aCountThatFallsIsNoNegativeDelta() {
    Deltas deltas = new Deltas(2, SECOND_NS);
    deltas.take(at(ConnectionEvent.PERIODIC, 1, 5));
    deltas.take(at(ConnectionEvent.CLOSED, 1, 4));
    assertThat(deltas.delta().bytesSent).isZero();
  }

  @Test
  void eachLogHasItsOwnRounds() {
    PeriodicRounds rounds =
        new PeriodicRounds(
            List.of(
                Optional.of(Duration.ofSeconds(1)),
                Optional.of(Duration.ofSeconds(3)),
                Optional.empty()),
            0);
    List<String> seen = new ArrayList<>();
    for (int second = 1; second <= 6; second++) {
      assertThat(rounds.nextMonoNs()).hasValue(second * SECOND_NS);
      rounds.begin(second * SECOND_NS);
      long madeMonoNs = second * SECOND_NS + 1;
      seen.add(
          ""
              + rounds.isOf(0, madeMonoNs)
              + rounds.isOf(1, madeMonoNs)
              + rounds.isOf(2, madeMonoNs));
    }
    String one = "truefalsefalse";
    String both = "truetruefalse";
    assertThat(seen).containsExactly(one, one, both, one, one, both);
    assertThat(rounds.isOf(1, 3 * SECOND_NS + 5)).isTrue();
    assertThat(rounds.isOf(1, 4 * SECOND_NS + 5)).isFalse();
  }

  @Test
  void withoutAnIntervalNoRoundIsDue() {
    assertThat(new PeriodicRounds(List.of(Optional.empty()), 0).nextMonoNs()).isEmpty();
  }
}
