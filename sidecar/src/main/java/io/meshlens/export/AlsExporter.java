// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsMessage;
import io.meshlens.spool.Batch;
import io.meshlens.spool.Spool;
import io.meshlens.vitals.Vital;
import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Brings batches to an Envoy access log service.
 *
 * <p>The protocol has no acknowledgement but the end of a stream, so streams are ended after a few
 * seconds or megabytes; what they carried counts as delivered when the server has answered the end
 * of each, and is sent again when one broke. Owned by: export-als.
 */
final class AlsExporter implements Carrier {
  private static final Duration GATHER = Duration.ofMillis(200);
  private static final Duration STALL = Duration.ofSeconds(10);

  private final AlsConfig config;
  private final LongSupplier monoNs;
  private final AlsChannel channel;
  private final long streamBytes;
  private final byte[] identifier;
  private volatile boolean ending;

  /**
   * @param version of this program
   * @param monoNs the monotonic clock, nanoseconds
   * @param streamBytes streams that are confirmed together carry not much more
   */
  AlsExporter(
      AlsConfig config, String version, AlsChannel channel, long streamBytes, LongSupplier monoNs) {
    this.config = config;
    this.channel = channel;
    this.streamBytes = streamBytes;
    this.monoNs = monoNs;
    this.identifier =
        StreamAccessLogsMessage.newBuilder()
            .setIdentifier(config.node().identifier(config.logName(), version))
            .build()
            .toByteArray();
  }

  @Override
  public Outcome carry(Spool spool) throws InterruptedException {
    AlsStreams streams = new AlsStreams(channel.next(), config.streams(), identifier, monoNs);
    boolean confirmed = false;
    try {
      confirmed = send(streams, spool) && streams.confirm(STALL);
    } finally {
      if (!confirmed) {
        streams.cancel();
      }
    }
    if (confirmed) {
      channel.succeeded();
      return new Outcome.Delivered(0);
    }
    String reason = channel.failed(streams.failure());
    return new Outcome.Failed(Vital.ALS_STREAMS_FAILED, reason, channel.pause());
  }

  /** Until the streams are old or have carried enough; false when one broke. */
  private boolean send(AlsStreams streams, Spool spool) throws InterruptedException {
    long startedNs = monoNs.getAsLong();
    long sentBytes = 0;
    while (true) {
      Batch batch = spool.take(GATHER);
      if (batch != null) {
        if (!streams.send(batch.message(), STALL)) {
          return false;
        }
        sentBytes += batch.message().length;
      }
      boolean old = monoNs.getAsLong() - startedNs >= config.streamInterval().toNanos();
      if (old || sentBytes >= streamBytes || (ending && batch == null)) {
        return true;
      }
      if (streams.isBroken()) {
        return false;
      }
    }
  }

  @Override
  public void end() {
    ending = true;
  }

  @Override
  public String target() {
    return "the access log service " + config.transport();
  }

  @Override
  public void close() {
    channel.close();
  }
}
