// SPDX-License-Identifier: Apache-2.0
package io.meshlens.benchmarks;

import io.meshlens.kernel.EventChannel;
import io.meshlens.kernel.EventConsumer;
import io.meshlens.kernel.EventSwitches;
import io.meshlens.kernel.EventType;
import io.meshlens.libbpf.BpfMap;
import io.meshlens.libbpf.BpfObject;
import io.meshlens.libbpf.RingBuffer;
import io.meshlens.vitals.Vitals;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/**
 * How many small events a second one processor emits and a Java consumer takes, while both run; run
 * by event-channel.sh. Every event is accounted for: handed over in order, or counted as lost.
 */
public final class EventChannelRate {
  private static final EventType TYPE = new EventType(15, 16);
  private static final long EVENTS_PER_RUN = 100_000;

  private EventChannelRate() {}

  /** Takes OBJECT RING_BYTES ROUNDS RUNS_PER_ROUND. */
  public static void main(String[] args) throws InterruptedException {
    int rounds = Integer.parseInt(args[2]);
    int runs = Integer.parseInt(args[3]);
    double[] rates = new double[rounds];
    long lost = 0;
    for (int round = -1; round < rounds; round++) {
      Round result = Round.run(Path.of(args[0]), Integer.parseInt(args[1]), runs);
      if (round >= 0) {
        rates[round] = result.handedOver / result.seconds;
        lost += result.lost;
        System.out.printf(
            Locale.ROOT,
            "round %d: %.2f million events/s handed over, %d of %d lost%n",
            round + 1,
            rates[round] / 1e6,
            result.lost,
            result.handedOver + result.lost);
      }
    }
    Arrays.sort(rates);
    System.out.printf(
        Locale.ROOT,
        "median %.2f million events/s (lowest %.2f, highest %.2f), %d lost in all%n",
        rates[rounds / 2] / 1e6,
        rates[0] / 1e6,
        rates[rounds - 1] / 1e6,
        lost);
  }

  private static final class Round implements EventConsumer {
    private long next;
    private long handedOver;
    private long lost;
    private double seconds;

    static Round run(Path path, int ringBytes, int runs) throws InterruptedException {
      Round round = new Round();
      try (BpfObject object = BpfObject.open(path)) {
        object.setMaxEntries("records", ringBytes);
        object.load();
        try (BpfMap records = object.map("records");
            RingBuffer ring = RingBuffer.map(records);
            EventSwitches switches = new EventSwitches(object)) {
          EventChannel channel = new EventChannel(ring, new Vitals());
          channel.subscribe(TYPE, round);
          switches.enable(TYPE);
          round.measure(object, channel, runs);
          round.lost = switches.lost(TYPE);
        }
      }
      long emitted = runs * EVENTS_PER_RUN;
      if (round.handedOver + round.lost != emitted) {
        throw new IllegalStateException(
            "%d emitted, %d handed over, %d lost".formatted(emitted, round.handedOver, round.lost));
      }
      return round;
    }

    private void measure(BpfObject object, EventChannel channel, int runs)
        throws InterruptedException {
      Thread producer =
          Thread.ofPlatform()
              .name("producer")
              .unstarted(
                  () -> {
                    ByteBuffer load =
                        ByteBuffer.allocateDirect(3 * Long.BYTES).order(ByteOrder.nativeOrder());
                    for (long run = 0; run < runs; run++) {
                      load.clear();
                      load.putLong(run * EVENTS_PER_RUN).putLong(EVENTS_PER_RUN).putLong(0).flip();
                      object.run("emit_events", load);
                    }
                  });
      long startNs = System.nanoTime();
      producer.start();
      while (producer.isAlive()) {
        if (channel.readBatch() == 0) {
          Thread.onSpinWait();
        }
      }
      producer.join();
      while (channel.readBatch() > 0) {
        Thread.onSpinWait();
      }
      seconds = (System.nanoTime() - startNs) / 1e9;
    }

    @Override
    public void accept(ByteBuffer data, int offset) {
      long sequence = data.getLong(offset + Long.BYTES);
      if (sequence < next) {
        throw new IllegalStateException(sequence + " came again or late, expected " + next);
      }
      next = sequence + 1;
      handedOver++;
    }

    @Override
    public void endBatch() {}
  }
}
