// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

final class BackoffTest {
  /** Always the middle: no jitter. */
  private static final class Middle implements RandomGenerator {
    @Override
    public long nextLong() {
      return 1L << 63;
    }

    @Override
    public double nextDouble() {
      return 0.5;
    }
  }

  private static Backoff backoff(RandomGenerator random) {
    return new Backoff(Duration.ofMillis(200), Duration.ofSeconds(1), random);
  }

  @Test
  void waitsDoubleUpToTheLongest() {
    Backoff backoff = backoff(new Middle());

    assertThat(backoff.next()).hasMillis(200);
    assertThat(backoff.next()).hasMillis(400);
    assertThat(backoff.next()).hasMillis(800);
    assertThat(backoff.next()).hasMillis(1000);
    assertThat(backoff.next()).hasMillis(1000);
  }

  @Test
  void successStartsAnew() {
    Backoff backoff = backoff(new Middle());
    backoff.next();
    backoff.next();

    backoff.reset();

    assertThat(backoff.next()).hasMillis(200);
  }

  @Test
  void jitterIsAFifthEitherWayAndNoMore() {
    Random random = new Random(9);
    long shortest = Long.MAX_VALUE;
    long longest = 0;
    for (int i = 0; i < 10_000; i++) {
      long millis = backoff(random).next().toMillis();
      shortest = Math.min(shortest, millis);
      longest = Math.max(longest, millis);
    }

    assertThat(shortest).isBetween(160L, 165L);
    assertThat(longest).isBetween(235L, 240L);
  }
}
