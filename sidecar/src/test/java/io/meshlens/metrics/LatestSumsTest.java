// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.flow.Direction;
import io.meshlens.flow.Sums;
import io.meshlens.flow.SumsSnapshot;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

final class LatestSumsTest {
  private static final SumsSnapshot FIRST = snapshot(1);
  private static final SumsSnapshot SECOND = snapshot(2);

  private final ByteArrayOutputStream logged = new ByteArrayOutputStream();
  private final Log log =
      new Log(new PrintStream(logged, true, UTF_8), Log.Level.DEBUG, () -> Instant.EPOCH);
  private final Vitals vitals = new Vitals();

  private static SumsSnapshot snapshot(long opened) {
    return new SumsSnapshot(
        Map.of(), Map.of(Direction.INBOUND, new Sums(opened, 0, 0, 0, 0, 0, 0, 0)));
  }

  private static SumsSnapshot fail() {
    throw new IllegalStateException("no map");
  }

  private LatestSums reading(List<Supplier<SumsSnapshot>> answers) {
    Deque<Supplier<SumsSnapshot>> left = new ArrayDeque<>(answers);
    return new LatestSums(() -> left.removeFirst().get(), vitals, log);
  }

  @Test
  void everyReadIsNew() {
    LatestSums sums = reading(List.of(() -> FIRST, () -> SECOND));

    assertThat(sums.get()).isEqualTo(FIRST);
    assertThat(sums.get()).isEqualTo(SECOND);
    assertThat(vitals.get(Vital.SUMS_READ_FAILED)).isZero();
  }

  @Test
  void failedReadKeepsTheLastSumsAndCounts() {
    LatestSums sums =
        reading(List.of(() -> FIRST, LatestSumsTest::fail, LatestSumsTest::fail, () -> SECOND));
    sums.get();

    assertThat(sums.get()).isEqualTo(FIRST);
    assertThat(sums.get()).isEqualTo(FIRST);
    assertThat(vitals.get(Vital.SUMS_READ_FAILED)).isEqualTo(2);
    assertThat(sums.get()).isEqualTo(SECOND);
  }

  @Test
  void failureBeforeAnyReadIsNoSums() {
    assertThat(reading(List.of(LatestSumsTest::fail)).get()).isEqualTo(SumsSnapshot.EMPTY);
  }

  @Test
  void failureIsLoggedWithItsCause() {
    reading(List.of(LatestSumsTest::fail)).get();

    assertThat(logged.toString(UTF_8)).contains("warn").contains("no map");
  }
}
