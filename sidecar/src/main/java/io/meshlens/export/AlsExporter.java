// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.envoyproxy.envoy.config.core.v3.Node;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsMessage;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionSink;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
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
  private static final Duration FIRST_BACKOFF = Duration.ofMillis(200);
  private static final Duration LONGEST_BACKOFF = Duration.ofSeconds(30);

  private final AlsConfig config;
  private final AlsMapping mapping;
  private final LongSupplier monoNs;
  private final Vitals vitals;
  private final Log log;
  private final ManagedChannel channel;
  private final BlockingQueue<Connection> waiting;
  private final Backoff backoff =
      new Backoff(FIRST_BACKOFF, LONGEST_BACKOFF, RandomGenerator.getDefault());

  /** Owned by: export-als. Sent on the current stream and not confirmed yet. */
  private final Deque<Connection> unconfirmed = new ArrayDeque<>();

  /** Owned by: export-als. To be sent again before anything new. */
  private final Deque<Connection> again = new ArrayDeque<>();

  private volatile boolean ending;

  /**
   * @param monoNs the monotonic clock, nanoseconds
   */
  public AlsExporter(
      AlsConfig config, ConnectionIds ids, LongSupplier monoNs, Vitals vitals, Log log) {
    this.monoNs = monoNs;
    this.config = config;
    this.mapping = new AlsMapping(ids);
    this.vitals = vitals;
    this.log = log;
    this.waiting = new ArrayBlockingQueue<>(config.queueSize());
    NettyChannelBuilder builder =
        NettyChannelBuilder.forAddress(config.address().getHost(), config.address().getPort())
            .userAgent("meshlens");
    switch (config.transport()) {
      case PLAINTEXT -> builder.usePlaintext();
      case TLS -> builder.useTransportSecurity();
    }
    this.channel = builder.build();
  }

  @Override
  public void accept(Connection connection) {
    if (waiting.remainingCapacity() == 0 || !waiting.offer(connection.copy())) {
      vitals.increment(Vital.ALS_ENTRIES_LOST_QUEUE_FULL);
      log.warnRepeated(
          "als-full",
          "the access log service %s does not keep up or is away: entries are being lost"
              .formatted(config.address()));
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
        if (stream(first)) {
          backoff.reset();
        } else {
          Thread.sleep(backoff.next());
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      vitals.add(
          Vital.ALS_ENTRIES_LOST_SHUTDOWN, unconfirmed.size() + again.size() + waiting.size());
      channel.shutdownNow();
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
    AlsStream stream = new AlsStream(channel, monoNs);
    boolean confirmed = false;
    try {
      confirmed = sendAll(stream, first) && stream.confirm(STALL);
    } finally {
      if (confirmed) {
        vitals.add(Vital.ALS_ENTRIES_DELIVERED, unconfirmed.size());
      } else {
        vitals.increment(Vital.ALS_STREAMS_FAILED);
        vitals.add(Vital.ALS_ENTRIES_RESENT, unconfirmed.size());
        log.warnRepeated(
            "als",
            "access log service %s: %s; trying again"
                .formatted(config.address(), stream.failure()));
        while (!unconfirmed.isEmpty()) {
          again.addFirst(unconfirmed.removeLast());
        }
        stream.cancel();
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
        stream.send(message(batch, identified));
        identified = true;
      }
      boolean old = monoNs.getAsLong() - startedNs > STREAM_AGE.toNanos();
      if (old || (ending && waiting.isEmpty()) || unconfirmed.size() >= STREAM_ENTRIES) {
        return true;
      }
      batch = gather();
    }
  }

  private StreamAccessLogsMessage message(List<Connection> batch, boolean identified) {
    StreamAccessLogsMessage.Builder message = StreamAccessLogsMessage.newBuilder();
    if (!identified) {
      message.setIdentifier(
          StreamAccessLogsMessage.Identifier.newBuilder()
              .setNode(
                  Node.newBuilder()
                      .setId(config.nodeId())
                      .setCluster(config.nodeCluster())
                      .setUserAgentName("meshlens"))
              .setLogName(config.logName()));
    }
    for (Connection connection : batch) {
      message.getTcpLogsBuilder().addLogEntry(mapping.entry(connection));
    }
    return message.build();
  }
}
