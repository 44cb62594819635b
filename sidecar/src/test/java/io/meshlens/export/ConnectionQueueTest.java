// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.flow.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
final class ConnectionQueueTest {
  private static Connection numbered(long number) {
    Connection connection = new Connection();
    connection.socketCookie = number;
    connection.bytesSent = ~number;
    return connection;
  }

  @Test
  void eachIsHandedOverOnceInOrderAndWholeBesideAnotherThread() throws InterruptedException {
    int all = 1_000_003;
    ConnectionQueue queue = new ConnectionQueue(97);
    Thread offering =
        Thread.ofPlatform()
            .start(
                () -> {
                  Random random = new Random(7);
                  Connection connection = new Connection();
                  for (long number = 0; number < all; number++) {
                    connection.socketCookie = number;
                    connection.bytesSent = ~number;
                    while (!queue.offer(connection)) {
                      Thread.onSpinWait();
                    }
                    if (random.nextInt(1024) == 0) {
                      // So that the queue is empty at times.
                      LockSupport.parkNanos(10_000);
                    }
                    queue.wake();
                  }
                });
    long[] next = {0};
    long[] wrong = {0};
    Random random = new Random(11);
    while (next[0] < all) {
      int drained =
          queue.drain(
              c -> {
                if (c.socketCookie != next[0] || c.bytesSent != ~next[0]) {
                  wrong[0]++;
                }
                next[0]++;
              },
              1 + random.nextInt(200));
      if (drained == 0) {
        queue.await(Duration.ofMillis(10));
      }
    }
    offering.join();

    assertThat(wrong[0]).isZero();
    assertThat(queue.drained()).isEqualTo(all);
    assertThat(queue.size()).isZero();
  }

  @Test
  void aFullQueueTakesNothingUntilSomethingIsDrained() {
    ConnectionQueue queue = new ConnectionQueue(3);
    List<Long> seen = new ArrayList<>();
    for (long number = 0; number < 5; number++) {
      assertThat(queue.offer(numbered(number))).isEqualTo(number < 3);
    }
    assertThat(queue.drain(c -> seen.add(c.socketCookie), 1)).isOne();
    assertThat(queue.offer(numbered(7))).isTrue();
    assertThat(queue.offer(numbered(8))).isFalse();
    assertThat(queue.drain(c -> seen.add(c.socketCookie), 9)).isEqualTo(3);

    assertThat(seen).containsExactly(0L, 1L, 2L, 7L);
  }

  @Test
  void noMorePlacesAreMadeThanEverWaitedAtOnce() {
    ConnectionQueue queue = new ConnectionQueue(1000);
    Set<Connection> places = Collections.newSetFromMap(new IdentityHashMap<>());
    for (int round = 0; round < 50; round++) {
      for (int i = 0; i <= round % 7; i++) {
        queue.offer(numbered(i));
      }
      queue.drain(places::add, 1000);
    }

    assertThat(places).hasSize(7);
  }
}
