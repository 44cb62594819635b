// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsMessage.Identifier;
import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionSink;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/**
 * Sends connections to an Envoy access log service.
 *
 * <p>The protocol has no acknowledgement but the end of a stream, so a stream is ended after a few
 * seconds or some thousand entries; what a stream carried counts as delivered when the server has
 * answered its end, and is sent again when the stream broke. Guarantees: an entry is confirmed, or
 * counted as lost, or still waiting; the ring reader never waits.
 *
 * <p>{@link #accept} is owned by ring-reader, {@link #run} by export-als; the queue is between
 * them.
 */
public final class AlsExporter implements ConnectionSink, Runnable {
  private static final int MESSAGE_ENTRIES = 100;
  private static final int STREAM_ENTRIES = 4096;
  private static final Duration STREAM_AGE = Duration.ofSeconds(5);
  private static final Duration GATHER = Duration.ofMillis(500);
  private static final Duration STALL = Duration.ofSeconds(10);
  private static final int MESSAGE_BYTES = 64 << 10;

  private final AlsConfig config;
  private final AlsBatch message;
  private final Identifier identifier;
  private final LongSupplier monoNs;
  private final Vitals vitals;
  private final Log log;
  private final AlsChannel channel;
  private final BlockingQueue<Connection> waiting;

  /** Owned by: export-als. Sent on the current stream and not confirmed yet. */
  private final Deque<Connection> unconfirmed = new ArrayDeque<>();

  /** Owned by: export-als. To be sent again before anything new. */
  private final Deque<Connection> again = new ArrayDeque<>();

  private volatile boolean ending;

  /**
   * Sends nothing before {@link #run}.
   *
   * @param version of this program
   * @param monoNs the monotonic clock, nanoseconds
   * @throws IOException when the files of TLS cannot be used
   */
  public AlsExporter(
      AlsConfig config,
      String version,
      ConnectionIds ids,
      LongSupplier monoNs,
      Vitals vitals,
      Log log)
      throws IOException {
    this.monoNs = monoNs;
    this.config = config;
    this.message = new AlsBatch(new AlsMapping(ids), MESSAGE_BYTES);
    this.identifier = config.node().identifier(config.logName(), version);
    this.vitals = vitals;
    this.log = log;
    this.waiting = new ArrayBlockingQueue<>(config.queueSize());
    this.channel =
        new AlsChannel(
            config.transport(), version, monoNs, RandomGenerator.getDefault(), vitals, log);
  }

  @Override
  public void accept(Connection connection) {
    if (waiting.remainingCapacity() == 0 || !waiting.offer(connection.copy())) {
      vitals.increment(Vital.ALS_ENTRIES_LOST_QUEUE_FULL);
      log.warnRepeated(
          "als-full",
          "the access log service %s does not keep up or is away: entries are being lost"
              .formatted(config.transport()));
    }
  }

  @Override
  public void endBatch() {
    // The exporter's own thread gathers.
  }

  /** Connections that wait to be sent for the first time. Safe for any thread. */
  public int queued() {
    return waiting.size();
  }

  /** Nothing more will be accepted: the thread ends once everything is confirmed. */
  public void end() {
    ending = true;
  }

  /** Streams until {@link #end} and everything is confirmed, or until interrupted. */
  @Override
  public void run() {
    try {
      while (!(ending && nothingLeft())) {
        List<Connection> first = gather();
        if (first.isEmpty()) {
          continue;
        }
        if (!stream(first)) {
          Thread.sleep(channel.pause());
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      vitals.add(
          Vital.ALS_ENTRIES_LOST_SHUTDOWN, unconfirmed.size() + again.size() + waiting.size());
      channel.close();
    }
  }

  private boolean nothingLeft() {
    return waiting.isEmpty() && again.isEmpty() && unconfirmed.isEmpty();
  }

  /** Up to a message's worth, after waiting a moment for company; empty when there is nothing. */
  private List<Connection> gather() throws InterruptedException {
    List<Connection> batch = new ArrayList<>();
    while (batch.size() < MESSAGE_ENTRIES && !again.isEmpty()) {
      batch.add(again.removeFirst());
    }
    waiting.drainTo(batch, MESSAGE_ENTRIES - batch.size());
    if (batch.isEmpty()) {
      Connection one = waiting.poll(GATHER.toMillis(), TimeUnit.MILLISECONDS);
      if (one != null) {
        batch.add(one);
        waiting.drainTo(batch, MESSAGE_ENTRIES - 1);
      }
    }
    return batch;
  }

  /** One stream from its identifier to its confirmation; false when it broke. */
  private boolean stream(List<Connection> first) throws InterruptedException {
    AlsStream stream = new AlsStream(channel.next(), monoNs);
    boolean confirmed = false;
    try {
      confirmed = sendAll(stream, first) && stream.confirm(STALL);
    } finally {
      if (confirmed) {
        channel.succeeded();
        vitals.add(Vital.ALS_ENTRIES_DELIVERED, unconfirmed.size());
      } else {
        vitals.increment(Vital.ALS_STREAMS_FAILED);
        vitals.add(Vital.ALS_ENTRIES_RESENT, unconfirmed.size());
        stream.cancel();
        log.warnRepeated(
            "als",
            "access log service %s; trying again".formatted(channel.failed(stream.status())));
        while (!unconfirmed.isEmpty()) {
          again.addFirst(unconfirmed.removeLast());
        }
      }
      unconfirmed.clear();
    }
    return confirmed;
  }

  private boolean sendAll(AlsStream stream, List<Connection> first) throws InterruptedException {
    long startedNs = monoNs.getAsLong();
    List<Connection> batch = first;
    boolean identified = false;
    while (true) {
      unconfirmed.addAll(batch);
      if (!batch.isEmpty()) {
        if (!stream.awaitReady(STALL)) {
          return false;
        }
        fill(batch, identified);
        stream.send(message);
        identified = true;
      }
      boolean old = monoNs.getAsLong() - startedNs > STREAM_AGE.toNanos();
      if (old || (ending && waiting.isEmpty()) || unconfirmed.size() >= STREAM_ENTRIES) {
        return true;
      }
      batch = gather();
    }
  }

  private void fill(List<Connection> batch, boolean identified) {
    message.clear();
    if (!identified) {
      message.identify(identifier);
    }
    batch.forEach(message::add);
  }
}
