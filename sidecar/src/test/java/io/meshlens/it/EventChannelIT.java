// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshlens.kernel.EventChannel;
import io.meshlens.kernel.EventConsumer;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** Ground truth is how many events the kernel program was asked to emit. */
@RequiresKernel
class EventChannelIT {
  private static final long EVENTS = 100_003;
  private static final int RING_BYTES = 16 * 1024 * 1024;
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final Vitals vitals = new Vitals();
  private final EventLoad.Taken taken = new EventLoad.Taken();

  private EventChannel channel(EventLoad load, EventConsumer consumer) {
    EventChannel channel = new EventChannel(load.ring(), vitals);
    channel.subscribe(EventLoad.TYPE, consumer);
    load.switches().enable(EventLoad.TYPE);
    return channel;
  }

  /** A reader with pauses so long that only sync() explains a quick answer. */
  private static final class Reader implements AutoCloseable {
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final Thread thread;
    private volatile boolean ending;

    Reader(EventChannel channel) {
      thread =
          Thread.ofPlatform()
              .uncaughtExceptionHandler((t, e) -> failure.set(e))
              .start(
                  () -> {
                    while (!ending) {
                      while (channel.readBatch() > 0) {
                        Thread.onSpinWait();
                      }
                      LockSupport.parkNanos(PATIENCE.multipliedBy(10).toNanos());
                    }
                  });
    }

    @Override
    public void close() throws InterruptedException {
      ending = true;
      LockSupport.unpark(thread);
      thread.join();
      assertThat(failure).hasNullValue();
    }
  }

  @Test
  void eachEventIsHandedOverOnceAndInOrder() throws Exception {
    try (EventLoad load = new EventLoad(RING_BYTES)) {
      EventChannel channel = channel(load, taken);
      try (Reader reader = new Reader(channel)) {
        for (long first = 0; first < EVENTS; first += 1009) {
          load.emit(first, Math.min(1009, EVENTS - first));
          channel.sync(PATIENCE);
        }
      }
      assertThat(taken.events).isEqualTo(EVENTS);
      assertThat(taken.inOrder).isTrue();
      assertThat(taken.batches).isBetween(1L, EVENTS / 2);
      assertThat(load.switches().lost(EventLoad.TYPE)).isZero();
      assertThat(vitals.get(Vital.RECORDS_READ)).isEqualTo(EVENTS);
    }
  }

  @Test
  void syncReturnsWhenAllThatWasEmittedBeforeItIsHandedOverFromSeveralThreads() throws Exception {
    int threads = 5;
    long each = 20_011;
    try (EventLoad load = new EventLoad(RING_BYTES)) {
      long[] seen = new long[threads];
      EventConsumer bySender =
          new EventConsumer() {
            @Override
            public void accept(ByteBuffer data, int offset) {
              seen[(int) (EventLoad.sequence(data, offset) / each)]++;
            }

            @Override
            public void endBatch() {}
          };
      EventChannel channel = channel(load, bySender);
      List<Thread> senders = new ArrayList<>();
      List<String> wrong = java.util.Collections.synchronizedList(new ArrayList<>());
      try (Reader reader = new Reader(channel)) {
        for (int sender = 0; sender < threads; sender++) {
          int own = sender;
          senders.add(
              Thread.ofPlatform()
                  .start(
                      () -> {
                        for (long sent = 0; sent < each; ) {
                          long now = Math.min(4001, each - sent);
                          load.emit(own * each + sent, now);
                          sent += now;
                          try {
                            channel.sync(PATIENCE);
                          } catch (InterruptedException | TimeoutException e) {
                            wrong.add(e.toString());
                          }
                          if (seen[own] != sent) {
                            wrong.add(own + " saw " + seen[own] + " of " + sent);
                          }
                        }
                      }));
        }
        for (Thread sender : senders) {
          sender.join();
        }
      }
      assertThat(wrong).isEmpty();
      assertThat(seen).containsOnly(each);
    }
  }

  @Test
  void whatTheRingCannotHoldIsCountedExactly() {
    try (EventLoad load = new EventLoad(4096)) {
      EventChannel channel = channel(load, taken);
      load.emit(0, EVENTS);
      while (channel.readBatch() > 0) {
        assertThat(taken.inOrder).isTrue();
      }
      assertThat(taken.events).isPositive();
      assertThat(load.switches().lost(EventLoad.TYPE)).isEqualTo(EVENTS - taken.events);
    }
  }

  @Test
  void anEventShorterThanItsTypeIsCountedAndTheRestHandedOver() {
    try (EventLoad load = new EventLoad(RING_BYTES)) {
      EventChannel channel = channel(load, taken);
      load.emit(0, 7);
      load.emitTruncated(3);
      load.emit(7, 4);
      while (channel.readBatch() > 0) {
        assertThat(taken.inOrder).isTrue();
      }
      assertThat(taken.events).isEqualTo(11);
      assertThat(vitals.get(Vital.RECORDS_LOST_TORN)).isEqualTo(3);
    }
  }

  @Test
  void aTypeThatNobodyTakesIsNeitherEmittedNorCountedAsLost() {
    try (EventLoad load = new EventLoad(4096)) {
      EventChannel channel = channel(load, taken);
      load.switches().disable(EventLoad.TYPE);
      load.emit(0, EVENTS);
      assertThat(channel.readBatch()).isZero();
      assertThat(load.switches().lost(EventLoad.TYPE)).isZero();
      load.switches().enable(EventLoad.TYPE);
      load.emit(EVENTS, 5);
      assertThat(channel.readBatch()).isEqualTo(5);
    }
  }

  @Test
  void syncGivesUpWhenNobodyReads() {
    try (EventLoad load = new EventLoad(RING_BYTES)) {
      EventChannel channel = channel(load, taken);
      load.emit(0, 1);
      assertThatThrownBy(() -> channel.sync(Duration.ofMillis(50)))
          .isInstanceOf(TimeoutException.class)
          .hasMessageContaining("24 bytes");
    }
  }

  @Test
  void syncByAConsumerIsRefusedBecauseItWouldWaitForItself() {
    try (EventLoad load = new EventLoad(RING_BYTES)) {
      List<Throwable> thrown = new ArrayList<>();
      EventChannel[] channel = new EventChannel[1];
      EventConsumer waiting =
          new EventConsumer() {
            @Override
            public void accept(ByteBuffer data, int offset) {
              try {
                channel[0].sync(PATIENCE);
              } catch (Exception e) {
                thrown.add(e);
              }
            }

            @Override
            public void endBatch() {}
          };
      channel[0] = channel(load, waiting);
      load.emit(0, 1);
      assertThat(channel[0].readBatch()).isEqualTo(1);
      assertThat(thrown).singleElement().isInstanceOf(IllegalStateException.class);
    }
  }
}
