// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionSink;
import io.meshlens.flow.RecordStore;
import io.meshlens.spool.Spool;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vitals;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * One way out with a promise: connections are encoded in batches, wait in a spool, and leave it
 * when the receiver has said that it has them.
 *
 * <pre>
 *  ring-reader ─► ConnectionQueue ─► BatchEncoder ─► Spool ─► Carrier ─► receiver
 *              bounded, full: counted   spool-writer      export
 * </pre>
 *
 * <p>Guarantees: a connection that was accepted is delivered, or counted as lost, or still waiting;
 * the ring reader never waits. {@link #accept} and {@link #endBatch} are owned by ring-reader,
 * {@link #write} by spool-writer, {@link #send} by export.
 */
public final class Delivery implements ConnectionSink, RecordStore {
  private static final Duration IDLE = Duration.ofMillis(200);

  /** The spool gets what there is at the latest then, also when there is ever more. */
  private static final int DRAIN = 4096;

  /** A commit in between, so that the ring is released although there is ever more. */
  private static final int COMMIT_EVERY_DRAINS = 4;

  private static final Duration AFTER_ERROR = Duration.ofSeconds(1);

  private final DeliveryConfig config;
  private final DeliveryVitals counters;
  private final BatchEncoder encoder;
  private final Spool spool;
  private final Carrier carrier;
  private final LongSupplier monoNs;
  private final Vitals vitals;
  private final Log log;
  private final ConnectionQueue queue;

  /** Owned by: spool-writer. When the batch that is being encoded has to be closed. */
  private long batchDueNs;

  private final CountDownLatch end = new CountDownLatch(1);
  private volatile boolean ending;

  /** Written by spool-writer: connections, from the first, that are committed. */
  private volatile long safe;

  private volatile boolean written;

  /**
   * @param monoNs the monotonic clock, nanoseconds
   */
  Delivery(
      DeliveryConfig config,
      DeliveryVitals counters,
      BatchEncoder encoder,
      Spool spool,
      Carrier carrier,
      LongSupplier monoNs,
      Vitals vitals,
      Log log) {
    this.config = config;
    this.counters = counters;
    this.encoder = encoder;
    this.spool = spool;
    this.carrier = carrier;
    this.monoNs = monoNs;
    this.vitals = vitals;
    this.log = log;
    this.queue = new ConnectionQueue(config.queueSize());
  }

  @Override
  public void accept(Connection connection) {
    if (!queue.offer(connection)) {
      vitals.increment(counters.lostQueueFull());
      log.warnRepeated(
          carrier.target() + "-queue",
          "connections for %s end faster than they can be encoded and written: they are being lost"
              .formatted(carrier.target()));
    }
  }

  @Override
  public void endBatch() {
    queue.wake();
  }

  /** Whether records outlive the process, so that {@link #safe} means it. */
  public boolean isDurable() {
    return spool.isDurable();
  }

  @Override
  public long given() {
    return queue.offered();
  }

  @Override
  public int room() {
    return config.queueSize() - queue.size();
  }

  @Override
  public long safe() {
    return safe;
  }

  /** Connections that wait for being encoded. Safe for any thread. */
  public int queued() {
    return queue.size();
  }

  /** Records that were encoded and not confirmed. Safe for any thread. */
  public long waiting() {
    return spool.records();
  }

  /** What they take in memory or on disk. Safe for any thread. */
  public long waitingBytes() {
    return spool.sizeBytes();
  }

  /** Nothing more will be accepted: both threads end once they have done what they can. */
  public void end() {
    ending = true;
    end.countDown();
    queue.wake();
    carrier.end();
  }

  /** Work of spool-writer: encodes until {@link #end}. */
  public void write() {
    int fullDrains = 0;
    try {
      while (true) {
        boolean last = ending;
        int drained = queue.drain(this::encode, DRAIN);
        boolean due = encoder.records() > 0 && monoNs.getAsLong() - batchDueNs >= 0;
        if (due || (last && drained == 0)) {
          close();
        }
        if (drained < DRAIN || ++fullDrains >= COMMIT_EVERY_DRAINS) {
          fullDrains = 0;
          spool.commit();
          safe = queue.drained() - encoder.records();
        }
        if (last && drained == 0) {
          return;
        }
        if (drained == 0) {
          queue.await(untilDue());
        }
        if (Thread.interrupted()) {
          // The deadline of the shutdown: what is left is lost, and counted.
          vitals.add(counters.lostShutdown(), queue.size() + (long) encoder.records());
          return;
        }
      }
    } finally {
      written = true;
    }
  }

  private Duration untilDue() {
    return encoder.records() == 0
        ? IDLE
        : Duration.ofNanos(Math.max(1, batchDueNs - monoNs.getAsLong()));
  }

  private void encode(Connection connection) {
    if (encoder.records() == 0) {
      batchDueNs = monoNs.getAsLong() + config.batchInterval().toNanos();
    }
    encoder.add(connection);
    if (encoder.records() >= config.batchRecords() || encoder.sizeBytes() >= config.batchBytes()) {
      close();
    }
  }

  private void close() {
    if (encoder.records() > 0) {
      spool.append(encoder.finish());
    }
  }

  /**
   * Work of export: sends until {@link #end} and until everything is confirmed; or until a failure
   * after {@link #end}, when the spool keeps the rest; or until interrupted.
   */
  public void send() {
    try {
      while (!(ending && written && spool.records() == 0)) {
        if (spool.await(IDLE) && round() instanceof Carrier.Outcome.Failed failed) {
          if (ending && written && spool.isDurable()) {
            return;
          }
          pause(failed.pause());
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      spool.close();
      carrier.close();
    }
  }

  private void pause(Duration pause) throws InterruptedException {
    if (ending) {
      Thread.sleep(pause);
    } else {
      // The end is worth another attempt at once.
      boolean ended = end.await(pause.toNanos(), TimeUnit.NANOSECONDS);
      log.debug(carrier.target() + (ended ? ": last attempts" : ": next attempt"));
    }
  }

  private Carrier.Outcome round() throws InterruptedException {
    try {
      Carrier.Outcome outcome = carry();
      settle(outcome);
      return outcome;
    } catch (InterruptedException e) {
      spool.again();
      throw e;
    }
  }

  private Carrier.Outcome carry() throws InterruptedException {
    try {
      return carrier.carry(spool);
    } catch (RuntimeException e) {
      log.error("a delivery to " + carrier.target() + " failed by an error of our own", e);
      return new Carrier.Outcome.Failed(counters.failedError(), e.toString(), AFTER_ERROR);
    }
  }

  private void settle(Carrier.Outcome outcome) {
    switch (outcome) {
      case Carrier.Outcome.Delivered delivered -> {
        long confirmed = spool.confirm();
        long rejected = Math.min(confirmed, delivered.rejected());
        vitals.add(counters.delivered(), confirmed - rejected);
        vitals.add(counters.lostRejected(), rejected);
      }
      case Carrier.Outcome.Refused refused -> {
        vitals.add(counters.lostRejected(), spool.confirm());
        log.warnRepeated(
            carrier.target() + "-refused",
            "%s refused records for good: %s".formatted(carrier.target(), refused.reason()));
      }
      case Carrier.Outcome.Failed failed -> {
        vitals.increment(failed.counter());
        vitals.add(counters.resent(), spool.again());
        log.warnRepeated(
            carrier.target(), "%s: %s; trying again".formatted(carrier.target(), failed.reason()));
      }
    }
  }
}
