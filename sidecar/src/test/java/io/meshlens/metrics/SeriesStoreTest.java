// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.flow.Direction;
import io.meshlens.flow.Errno;
import io.meshlens.flow.Identities;
import io.meshlens.flow.Identity;
import io.meshlens.flow.Sum;
import io.meshlens.metrics.KernelSums.Pair;
import io.meshlens.metrics.SeriesStore.Waiting;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class SeriesStoreTest {
  private static final long SINCE_NS = TimeUnit.SECONDS.toNanos(1_000_000);
  private static final Duration IDLE = Duration.ofMinutes(10);

  private final KernelSums kernel = new KernelSums();
  private final Names names = new Names();
  private final Vitals vitals = new Vitals();
  private long nowNs = SINCE_NS;
  private long monoNs = TimeUnit.HOURS.toNanos(7);

  private SeriesStore store(Profile profile, Detail detail, Identities identities, int maxSeries) {
    return new SeriesStore(
        new MetricsConfig(profile, Optional.of(detail), AttributeRules.NONE, maxSeries, IDLE),
        detail,
        kernel,
        identities,
        SINCE_NS,
        () -> nowNs,
        () -> monoNs,
        vitals,
        new Log(
            new PrintStream(new ByteArrayOutputStream()), Log.Level.ERROR, InstantSource.system()));
  }

  private SeriesStore addresses() {
    return store(Profile.OTEL, Detail.ADDRESS, Identities.NONE, 1000);
  }

  private SeriesStore workloads() {
    return store(Profile.OTEL, Detail.WORKLOAD, names, 1000);
  }

  private void pass(long seconds) {
    nowNs += TimeUnit.SECONDS.toNanos(seconds);
    monoNs += TimeUnit.SECONDS.toNanos(seconds);
  }

  private List<Series> accountAfter(SeriesStore store, long seconds) {
    pass(seconds);
    store.account(Waiting.FOR_IDENTITIES);
    return store.series(store.tables().getFirst());
  }

  private static Series only(List<Series> series) {
    assertThat(series).hasSize(1);
    return series.getFirst();
  }

  private static long get(Series series, Quantity quantity) {
    return series.counts().get(quantity, series.reporter());
  }

  private static long total(List<Series> series, Quantity quantity) {
    return series.stream().mapToLong(s -> get(s, quantity)).sum();
  }

  private static String label(Series series, String name) {
    int at = series.labels().shape().names().indexOf(name);
    return series.labels().value(at).toString();
  }

  @Test
  void aRowIsASeriesWithAllItsNumbers() {
    Pair key = Pair.outbound(1, 2);
    long amount = 11;
    for (Sum sum : Sum.values()) {
      kernel.add(key, sum, amount++);
    }

    Series series = only(accountAfter(addresses(), 1));

    assertThat(get(series, Quantity.OPENED)).isEqualTo(11);
    assertThat(get(series, Quantity.CLOSED)).isEqualTo(12);
    assertThat(get(series, Quantity.FAILED)).isEqualTo(13);
    assertThat(get(series, Quantity.SENT)).isEqualTo(14);
    assertThat(get(series, Quantity.RECEIVED)).isEqualTo(15);
    assertThat(get(series, Quantity.PACKETS_SENT)).isEqualTo(16);
    assertThat(get(series, Quantity.PACKETS_RECEIVED)).isEqualTo(17);
    assertThat(get(series, Quantity.RETRANSMITS)).isEqualTo(18);
    // More closed than opened: the rows of two processors are not read at one instant.
    assertThat(get(series, Quantity.ACTIVE)).isZero();
    assertThat(label(series, "source.address")).isEqualTo("10.0.0.1");
    assertThat(label(series, "destination.address")).isEqualTo("10.0.0.2");
    assertThat(label(series, "destination.port")).isEqualTo("443");
  }

  @Test
  void readingAgainWithoutTrafficAddsNothing() {
    SeriesStore store = addresses();
    kernel.open(Pair.outbound(1, 2), Long.MAX_VALUE / 2 + 1, 7);
    accountAfter(store, 1);

    Series series = only(accountAfter(store, 1));

    assertThat(get(series, Quantity.SENT)).isEqualTo(Long.MAX_VALUE / 2 + 1);
    assertThat(get(series, Quantity.ACTIVE)).isEqualTo(1);
  }

  @Test
  void failuresAreToldApartByErrnoAndShareTheirSeries() {
    SeriesStore store = addresses();
    kernel.add(Pair.outbound(1, 2).failedWith(Errno.ECONNREFUSED), Sum.CONNECTIONS_FAILED, 5);
    kernel.add(Pair.outbound(1, 2), Sum.CONNECTIONS_FAILED, 2);
    kernel.addOverflow(Direction.INBOUND, Sum.CONNECTIONS_FAILED, 9);

    List<Series> all = accountAfter(store, 1);

    assertThat(all.getFirst().counts().failures())
        .containsExactlyInAnyOrder(
            new Counts.Failures("ECONNREFUSED", 5), new Counts.Failures("aborted", 2));
    assertThat(all.getLast().labels().isOverflow()).isTrue();
    assertThat(all.getLast().counts().failures()).containsExactly(new Counts.Failures("", 9));
  }

  @Test
  void aSeriesBeginsNoLaterThanWhatItCounts() {
    SeriesStore store = addresses();
    kernel.open(Pair.outbound(1, 2), 1, 1);
    assertThat(only(accountAfter(store, 3)).startEpochNs()).isEqualTo(SINCE_NS);
    long readNs = nowNs;
    kernel.open(Pair.outbound(1, 3), 1, 1);

    List<Series> both = accountAfter(store, 5);

    assertThat(both).extracting(Series::startEpochNs).containsExactlyInAnyOrder(SINCE_NS, readNs);
  }

  @Test
  void workloadsAddUpTheirAddressesAndPorts() {
    SeriesStore store = workloads();
    names.put(1, Names.workload("shop", "checkout")).put(2, Names.workload("shop", "checkout"));
    names.put(3, Names.workload("pay", "payments"));
    kernel.open(Pair.outbound(1, 3), 100, 1);
    kernel.open(Pair.outbound(2, 3), 30, 2);

    Series series = only(accountAfter(store, 1));

    assertThat(get(series, Quantity.SENT)).isEqualTo(130);
    assertThat(label(series, "source.k8s.workload.name")).isEqualTo("checkout");
    assertThat(label(series, "source.k8s.namespace.name")).isEqualTo("shop");
    assertThat(label(series, "destination.k8s.workload.name")).isEqualTo("payments");
    assertThat(label(series, "destination.k8s.service.name")).isEqualTo("payments");
    assertThat(label(series, "source.address")).isEmpty();
  }

  @Test
  void anAddressThatChangesHandsLeavesWhatWasCountedAndTakesItsOpenConnectionsAlong() {
    SeriesStore store = workloads();
    names.put(1, Names.workload("a", "old")).put(2, Names.workload("a", "server"));
    Pair key = Pair.outbound(1, 2);
    kernel.open(key, 1000, 0);
    kernel.open(key, 500, 0);
    kernel.close(key);
    accountAfter(store, 1);
    names.put(1, Names.workload("a", "new"));
    kernel.add(key, Sum.BYTES_SENT, 7);

    List<Series> both = accountAfter(store, 1);

    assertThat(both).hasSize(2);
    Map<String, Series> byName = new HashMap<>();
    both.forEach(series -> byName.put(label(series, "source.k8s.workload.name"), series));
    assertThat(byName).containsOnlyKeys("old", "new");
    Series before = byName.getOrDefault("old", both.getFirst());
    Series after = byName.getOrDefault("new", both.getFirst());
    assertThat(get(before, Quantity.SENT)).isEqualTo(1500);
    assertThat(get(before, Quantity.ACTIVE)).isZero();
    assertThat(get(after, Quantity.SENT)).isEqualTo(7);
    assertThat(get(after, Quantity.ACTIVE)).isEqualTo(1);
    kernel.close(key);
    accountAfter(store, 1);
    assertThat(get(after, Quantity.ACTIVE)).isZero();
    assertThat(get(before, Quantity.ACTIVE)).isZero();
  }

  @Test
  void aNewRowWaitsForItsNamesButNotForLongAndNotAtTheEnd() {
    SeriesStore store = workloads();
    names.put(2, Names.workload("a", "server"));
    kernel.open(Pair.outbound(1, 2), 10, 0);
    assertThat(accountAfter(store, 1)).isEmpty();
    names.put(1, Names.workload("a", "late"));
    Series late = only(accountAfter(store, 2));
    assertThat(label(late, "source.k8s.workload.name")).isEqualTo("late");
    assertThat(late.startEpochNs()).isEqualTo(SINCE_NS);

    kernel.open(Pair.outbound(9, 2), 20, 0);
    assertThat(accountAfter(store, 4)).hasSize(1);
    assertThat(accountAfter(store, 2)).hasSize(2);

    kernel.open(Pair.outbound(8, 2), 40, 0);
    store.account(Waiting.NO_MORE);
    assertThat(total(store.series(store.tables().getFirst()), Quantity.SENT)).isEqualTo(70);
  }

  @Test
  void whatFindsNoRoomIsInOneOverflowSeriesForEachSideAndCounted() {
    SeriesStore store = store(Profile.OTEL, Detail.ADDRESS, Identities.NONE, 3);
    for (int i = 0; i < 10; i++) {
      kernel.open(Pair.outbound(1, 100 + i), 1000, 1);
      kernel.open(Pair.inbound(100 + i, 1), 1, 10);
    }

    List<Series> all = accountAfter(store, 1);

    assertThat(all).hasSize(5);
    assertThat(all.stream().filter(series -> series.labels().isOverflow()))
        .extracting(Series::reporter)
        .containsExactlyInAnyOrder(Direction.OUTBOUND, Direction.INBOUND);
    assertThat(total(all, Quantity.SENT)).isEqualTo(kernel.total(Sum.BYTES_SENT));
    assertThat(total(all, Quantity.ACTIVE)).isEqualTo(20);
    assertThat(vitals.get(Vital.SERIES_FOLDED)).isEqualTo(17);
  }

  @Test
  void anIdleSeriesLeavesAndBeginsAnewWhenItComesBack() {
    SeriesStore store = addresses();
    Pair key = Pair.outbound(1, 2);
    kernel.open(key, 100, 0);
    accountAfter(store, 1);
    accountAfter(store, 2 * IDLE.toSeconds());
    // It has an open connection.
    assertThat(only(accountAfter(store, 1)).startEpochNs()).isEqualTo(SINCE_NS);
    kernel.close(key);
    accountAfter(store, 1);
    assertThat(accountAfter(store, IDLE.toSeconds())).hasSize(1);
    assertThat(accountAfter(store, 1)).isEmpty();

    long readNs = nowNs;
    kernel.add(key, Sum.BYTES_SENT, 5);
    Series back = only(accountAfter(store, 9));

    assertThat(get(back, Quantity.SENT)).isEqualTo(5);
    assertThat(get(back, Quantity.OPENED)).isZero();
    assertThat(back.startEpochNs()).isEqualTo(readNs);
  }

  @Test
  void aClockThatIsSetForwardEndsNoSeries() {
    SeriesStore store = addresses();
    kernel.add(Pair.outbound(1, 2), Sum.PACKETS_SENT, 1);
    accountAfter(store, 1);
    nowNs += 2 * IDLE.toNanos();

    assertThat(accountAfter(store, 1)).hasSize(1);
    assertThat(accountAfter(store, IDLE.toSeconds())).isEmpty();
  }

  @Test
  void aClockThatIsSetBackHoldsNoRowUp() {
    SeriesStore store = workloads();
    accountAfter(store, 1);
    nowNs -= TimeUnit.HOURS.toNanos(1);
    kernel.open(Pair.outbound(1, 2), 10, 0);
    assertThat(accountAfter(store, 1)).isEmpty();

    List<Series> all = accountAfter(store, 6);

    assertThat(total(all, Quantity.SENT)).isEqualTo(10);
  }

  @Test
  void anIdleSeriesStaysUntilItsLastChangeWasPushed() {
    SeriesStore store = addresses();
    store.expectPushes();
    kernel.add(Pair.outbound(1, 2), Sum.PACKETS_SENT, 1);
    accountAfter(store, 1);
    long changedNs = nowNs;
    assertThat(accountAfter(store, 3 * IDLE.toSeconds())).hasSize(1);
    store.pushed(changedNs - 1);
    assertThat(accountAfter(store, 1)).hasSize(1);
    store.pushed(changedNs);
    assertThat(accountAfter(store, 1)).isEmpty();
  }

  @Test
  void roomThatIsFreeAgainIsGivenToThoseInTheOverflow() {
    SeriesStore store = store(Profile.OTEL, Detail.ADDRESS, Identities.NONE, 1);
    Pair first = Pair.outbound(1, 2);
    Pair second = Pair.outbound(1, 3);
    kernel.add(first, Sum.BYTES_SENT, 1);
    accountAfter(store, 1);
    kernel.open(second, 10, 0);
    accountAfter(store, 1);
    accountAfter(store, IDLE.toSeconds() + 1);
    kernel.add(second, Sum.BYTES_SENT, 100);

    List<Series> all = accountAfter(store, 1);

    assertThat(all).hasSize(2);
    assertThat(get(all.getFirst(), Quantity.SENT)).isEqualTo(100);
    assertThat(get(all.getFirst(), Quantity.ACTIVE)).isEqualTo(1);
    assertThat(get(all.getLast(), Quantity.SENT)).isEqualTo(10);
    assertThat(get(all.getLast(), Quantity.ACTIVE)).isZero();
  }

  @Test
  void aReadingThatBreaksOffLosesNothing() {
    SeriesStore store = addresses();
    for (int i = 0; i < 10; i++) {
      kernel.open(Pair.outbound(1, 100 + i), 10, 0);
    }
    kernel.breakOff();
    assertThat(total(accountAfter(store, 1), Quantity.SENT)).isEqualTo(50);
    assertThat(vitals.get(Vital.SUMS_READ_FAILED)).isEqualTo(1);
    kernel.mend();
    assertThat(total(accountAfter(store, 1), Quantity.SENT)).isEqualTo(100);
  }

  @Test
  void aRowThatTheKernelMadeAnewCountsFromZero() {
    SeriesStore store = addresses();
    Pair key = Pair.outbound(1, 2);
    kernel.open(key, 100, 0);
    accountAfter(store, 1);
    kernel.remove(key);
    kernel.open(key, 30, 0);

    assertThat(total(accountAfter(store, 1), Quantity.SENT)).isEqualTo(130);

    kernel.remove(key);
    accountAfter(store, 1);
    kernel.open(key, 500, 0);
    assertThat(total(accountAfter(store, 1), Quantity.SENT)).isEqualTo(630);
  }

  @Test
  void totalsAreTheKernelsAndNoCounterFallsWhateverNamesDo() {
    Random random = new Random(8);
    SeriesStore store = store(Profile.KMESH, Detail.WORKLOAD, names, 12);
    Map<Labelled, long[]> before = new HashMap<>();
    int[] errors = {0, 110, 111};
    for (int round = 0; round < 300; round++) {
      for (int i = 0; i < 20; i++) {
        Pair key =
            random.nextBoolean()
                ? Pair.outbound(random.nextInt(12), random.nextInt(12))
                : Pair.inbound(random.nextInt(12), random.nextInt(12));
        Sum sum = Sum.values()[random.nextInt(Sum.COUNT)];
        kernel.add(key.failedWith(errors[random.nextInt(3)]), sum, random.nextInt(1 << 20));
      }
      kernel.addOverflow(Direction.OUTBOUND, Sum.BYTES_SENT, random.nextInt(10));
      names.put(
          random.nextInt(12),
          random.nextInt(4) == 0
              ? Identity.UNKNOWN
              : Names.workload("ns", "w" + random.nextInt(5)));
      pass(random.nextInt(2));
      store.account(Waiting.NO_MORE);
      for (SeriesTable table : store.tables()) {
        List<Series> all = store.series(table);
        assertThat(all).hasSizeLessThanOrEqualTo(14);
        assertThat(total(all, Quantity.SENT)).isEqualTo(kernel.total(Sum.BYTES_SENT));
        assertThat(total(all, Quantity.FAILED)).isEqualTo(kernel.total(Sum.CONNECTIONS_FAILED));
        for (Series series : all) {
          long[] now = {get(series, Quantity.SENT), get(series, Quantity.RECEIVED)};
          long[] then = before.put(series, now);
          if (then != null) {
            assertThat(now[0]).isGreaterThanOrEqualTo(then[0]);
            assertThat(now[1]).isGreaterThanOrEqualTo(then[1]);
          }
        }
        assertThat(all.stream().map(Series::labels)).doesNotHaveDuplicates();
      }
    }
    assertThat(vitals.get(Vital.SERIES_FOLDED)).isPositive();
  }
}
