// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import com.google.common.primitives.Bytes;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsMessage;
import io.meshlens.spool.Batch;
import io.meshlens.spool.Spool;
import io.meshlens.vitals.Vital;
import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Brings batches to an Envoy access log service.
 *
 * <p>The protocol has no acknowledgement but the end of a stream, so a stream is ended after a few
 * seconds or megabytes; what a stream carried counts as delivered when the server has answered its
 * end, and is sent again when the stream broke. Owned by: export-als.
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
   * @param streamBytes no stream carries much more
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
    AlsStream stream = new AlsStream(channel.next(), monoNs);
    boolean confirmed = false;
    try {
      confirmed = send(stream, spool) && stream.confirm(STALL);
    } finally {
      if (!confirmed) {
        stream.cancel();
      }
    }
    if (confirmed) {
      channel.succeeded();
      return new Outcome.Delivered(0);
    }
    String reason = channel.failed(stream.status());
    return new Outcome.Failed(Vital.ALS_STREAMS_FAILED, reason, channel.pause());
  }

  /** Until the stream is old or has carried enough; false when it broke. */
  private boolean send(AlsStream stream, Spool spool) throws InterruptedException {
    long startedNs = monoNs.getAsLong();
    long sentBytes = 0;
    while (true) {
      Batch batch = spool.take(GATHER);
      if (batch != null) {
        if (!stream.awaitReady(STALL)) {
          return false;
        }
        // Messages may be put together from their parts: the first of a stream says who we are.
        stream.send(sentBytes == 0 ? Bytes.concat(identifier, batch.message()) : batch.message());
        sentBytes += batch.message().length;
      }
      boolean old = monoNs.getAsLong() - startedNs >= config.streamInterval().toNanos();
      if (old || sentBytes >= streamBytes || (ending && batch == null)) {
        return true;
      }
      if (stream.isEnded()) {
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
