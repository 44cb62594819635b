// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static org.assertj.core.api.Assertions.assertThat;

import io.opentelemetry.sdk.metrics.data.MetricData;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class BacklogTest {
  private final Collected collected = new Collected();
  private final Backlog backlog = new Backlog(2);

  @Test
  void lastValueOfASeriesThatIsGoneWaitsUntilItIsConfirmed() {
    collected.sums.putAll(Map.of("stays", 1L, "goes", 5L));
    backlog.keep(List.of(collected.now()));
    collected.sums.remove("goes");
    collected.sums.put("stays", 2L);
    List<MetricData> now = collected.now();

    Backlog.Rest rest = backlog.missingFrom(now);

    assertThat(Collected.sums(rest.metrics())).isEqualTo(Map.of("goes", 5L));
    assertThat(rest.lostPoints()).isZero();
    assertThat(backlog.waitingPoints()).isEqualTo(1);
    backlog.keep(List.of());
    assertThat(backlog.missingFrom(now).metrics()).isEmpty();
    assertThat(backlog.waitingPoints()).isZero();
  }

  @Test
  void metricThatIsGoneAltogetherWaitsToo() {
    collected.sums.put("goes", 5L);
    backlog.keep(List.of(collected.now()));

    assertThat(Collected.sums(backlog.missingFrom(List.of()).metrics()))
        .isEqualTo(Map.of("goes", 5L));
  }

  @Test
  void moreThanMayWaitIsLostAndCounted() {
    collected.sums.putAll(Map.of("a", 1L, "b", 2L, "c", 3L, "d", 4L));
    backlog.keep(List.of(collected.now()));

    Backlog.Rest rest = backlog.missingFrom(List.of());

    assertThat(Requests.points(rest.metrics())).isEqualTo(2);
    assertThat(rest.lostPoints()).isEqualTo(2);
  }

  @Test
  void levelsDoNotWait() {
    collected.meter.gaugeBuilder("level").buildWithCallback(m -> m.record(3));
    backlog.keep(List.of(collected.now()));

    assertThat(backlog.missingFrom(List.of()).metrics()).isEmpty();
  }

  @Test
  void requestsHaveAtMostSoManyPointsAndTogetherAll() {
    for (int i = 0; i < 10; i++) {
      collected.sums.put("s" + i, 1L);
    }
    collected.meter.gaugeBuilder("level").buildWithCallback(m -> m.record(3));

    List<List<MetricData>> requests = Requests.of(collected.now(), 4);

    assertThat(requests).extracting(Requests::points).containsExactly(4, 4, 3);
  }
}
