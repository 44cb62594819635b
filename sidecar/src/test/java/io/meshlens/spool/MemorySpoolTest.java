// SPDX-License-Identifier: Apache-2.0
package io.meshlens.spool;

import static io.meshlens.spool.Batches.batch;
import static io.meshlens.spool.Batches.takeAll;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class MemorySpoolTest {
  private static final int BYTES = 936;

  /** Room for ten batches of these. */
  private static final long BOUND = 10_000;

  private final CountedLosses losses = new CountedLosses();

  private MemorySpool spool(Overflow overflow) {
    return new MemorySpool(BOUND, overflow, losses);
  }

  @Test
  void batchesComeInOrderAndLeaveWhenConfirmed() throws InterruptedException {
    MemorySpool spool = spool(Overflow.DROP_OLDEST);
    for (int i = 0; i < 5; i++) {
      spool.append(batch(i, 3, BYTES));
    }

    assertThat(takeAll(spool)).containsExactly(0, 1, 2, 3, 4);
    assertThat(spool.records()).isEqualTo(15);
    assertThat(spool.confirm()).isEqualTo(15);
    assertThat(spool.records()).isZero();
    assertThat(spool.sizeBytes()).isZero();
    assertThat(losses.lost).isEmpty();
  }

  @Test
  void whatWasNotConfirmedComesFirstAgain() throws InterruptedException {
    MemorySpool spool = spool(Overflow.DROP_OLDEST);
    spool.append(batch(0, 3, BYTES));
    spool.append(batch(1, 5, BYTES));
    takeAll(spool);
    spool.append(batch(2, 7, BYTES));

    assertThat(spool.again()).isEqualTo(8);
    assertThat(takeAll(spool)).containsExactly(0, 1, 2);
  }

  @Test
  void oldestGiveWayAndAreCountedExactly() throws InterruptedException {
    MemorySpool spool = spool(Overflow.DROP_OLDEST);
    for (int i = 0; i < 17; i++) {
      spool.append(batch(i, 3, BYTES));
    }

    assertThat(losses.lost).isEqualTo(Map.of(LossCause.OLDEST_DROPPED, 21L));
    assertThat(spool.records()).isEqualTo(30);
    assertThat(spool.sizeBytes()).isEqualTo(BOUND);
    assertThat(takeAll(spool)).containsExactly(7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
  }

  @Test
  void newestAreRefusedAndCountedExactly() throws InterruptedException {
    MemorySpool spool = spool(Overflow.DROP_NEWEST);
    for (int i = 0; i < 17; i++) {
      spool.append(batch(i, 3, BYTES));
    }

    assertThat(losses.lost).isEqualTo(Map.of(LossCause.NEWEST_DROPPED, 21L));
    assertThat(takeAll(spool)).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
  }

  @Test
  void whatIsUnderWayIsNotDropped() throws InterruptedException {
    MemorySpool spool = spool(Overflow.DROP_OLDEST);
    for (int i = 0; i < 10; i++) {
      spool.append(batch(i, 3, BYTES));
    }
    spool.take(Duration.ZERO);
    spool.take(Duration.ZERO);
    spool.append(batch(10, 3, BYTES));

    assertThat(spool.again()).isEqualTo(6);
    assertThat(takeAll(spool)).containsExactly(0, 1, 3, 4, 5, 6, 7, 8, 9, 10);
    assertThat(losses.lost).isEqualTo(Map.of(LossCause.OLDEST_DROPPED, 3L));
  }

  @Test
  void whatIsLeftAtTheEndIsLostAndCounted() throws InterruptedException {
    MemorySpool spool = spool(Overflow.DROP_OLDEST);
    spool.append(batch(0, 3, BYTES));
    spool.append(batch(1, 5, BYTES));
    spool.take(Duration.ZERO);
    spool.close();
    spool.append(batch(2, 7, BYTES));

    assertThat(losses.lost).isEqualTo(Map.of(LossCause.CLOSED, 15L));
    assertThat(spool.take(Duration.ofMinutes(1))).isNull();
  }
}
