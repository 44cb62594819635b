// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class MonoClockTest {
  private final AtomicLong mono = new AtomicLong(500);
  private final AtomicLong wallNs = new AtomicLong(7_000_000_000L);

  private Instant wall() {
    return Instant.ofEpochSecond(0, wallNs.get());
  }

  @Test
  void monotonicTimeBecomesWallTime() {
    MonoClock clock = new MonoClock(mono::get, this::wall);

    assertThat(clock.epochNs(540)).isEqualTo(7_000_000_040L);
  }

  @Test
  void timesBeforeTheAnchorAreEarlier() {
    MonoClock clock = new MonoClock(mono::get, this::wall);

    assertThat(clock.epochNs(100)).isEqualTo(6_999_999_600L);
  }

  @Test
  void forwardStepIsFollowedAtTheNextAnchorAndNotBefore() {
    MonoClock clock = new MonoClock(mono::get, this::wall);
    wallNs.addAndGet(3_600_000_000_000L);

    assertThat(clock.epochNs(500)).isEqualTo(7_000_000_000L);
    clock.anchor();
    assertThat(clock.epochNs(500)).isEqualTo(3_607_000_000_000L);
  }

  @Test
  void backwardStepIsFollowedAtTheNextAnchor() {
    MonoClock clock = new MonoClock(mono::get, this::wall);
    wallNs.addAndGet(-6_000_000_000L);

    clock.anchor();

    assertThat(clock.epochNs(500)).isEqualTo(1_000_000_000L);
  }

  @Test
  void anchorTakesTheLeastDisturbedTry() {
    // Before and after each of three looks at the wall clock: gaps of 9000, 4 and 800.
    Deque<Long> readings = new ArrayDeque<>(Arrays.asList(0L, 9_000L, 10_000L, 10_004L, 0L, 800L));

    MonoClock clock = new MonoClock(readings::removeFirst, this::wall);

    assertThat(clock.epochNs(10_002)).isEqualTo(7_000_000_000L);
  }

  @Test
  void currentTimeIsThatOfTheMonotonicClock() {
    MonoClock clock = new MonoClock(mono::get, this::wall);
    mono.set(777);

    assertThat(clock.nowMonoNs()).isEqualTo(777);
  }
}
