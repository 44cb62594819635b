// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class HandleTest {
  private final AtomicInteger frees = new AtomicInteger();
  private final Handle handle = new Handle("thing", 7, value -> frees.incrementAndGet());

  @Test
  void useAfterCloseIsRefusedAndASecondCloseDoesNothing() {
    assertThat(handle.use(value -> value + 1)).isEqualTo(8);
    assertThat(handle.close()).isTrue();
    assertThat(handle.close()).isFalse();
    assertThat(frees).hasValue(1);
    assertThatThrownBy(() -> handle.use(value -> value))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("thing is closed");
  }

  @Test
  void aCallUnderWayKeepsTheHandleUntilItReturns() {
    handle.use(
        value -> {
          assertThat(handle.close()).isTrue();
          assertThat(frees).hasValue(0);
          return 0;
        });

    assertThat(frees).hasValue(1);
  }

  @Test
  void aThrowingCallGivesTheHandleBack() {
    assertThatThrownBy(
            () ->
                handle.use(
                    value -> {
                      throw new ArithmeticException();
                    }))
        .isInstanceOf(ArithmeticException.class);

    handle.close();
    assertThat(frees).hasValue(1);
  }

  @Test
  void manyThreadsFreeItOnceAndNeverUnderACall() throws InterruptedException {
    AtomicInteger usesAfterFree = new AtomicInteger();
    CountDownLatch start = new CountDownLatch(1);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      threads.add(Thread.ofPlatform().start(() -> useUntilClosed(start, usesAfterFree)));
    }
    start.countDown();
    Thread.sleep(20);
    handle.close();
    for (Thread thread : threads) {
      thread.join();
    }

    assertThat(frees).hasValue(1);
    assertThat(usesAfterFree).hasValue(0);
  }

  private void useUntilClosed(CountDownLatch start, AtomicInteger usesAfterFree) {
    try {
      start.await();
      while (true) {
        handle.use(value -> usesAfterFree.addAndGet(frees.get()));
      }
    } catch (IllegalStateException e) {
      assertThat(e).hasMessage("thing is closed");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
