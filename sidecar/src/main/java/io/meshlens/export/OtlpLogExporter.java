// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import com.google.common.primitives.Bytes;
import io.meshlens.export.Answer.Accepted;
import io.meshlens.export.Answer.Cause;
import io.meshlens.export.Answer.Failed;
import io.meshlens.spool.Batch;
import io.meshlens.spool.Spool;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Brings batches to an OTLP receiver. What waits goes out in as few requests as its size allows:
 * with a request for each batch, a receiver that takes longer to answer than a batch takes to come
 * would never catch up.
 *
 * <p>Only what the receiver calls invalid is given up. Other refusals, of a wrong token or a
 * missing service, are mistakes that somebody will correct, and until then records can wait. Owned
 * by: export-otlp-logs.
 */
final class OtlpLogExporter implements Carrier {
  private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  private final OtlpConnection connection;
  private final int requestBytes;
  private final Backoff backoff =
      new Backoff(FIRST_PAUSE, LONGEST_PAUSE, RandomGenerator.getDefault());

  /**
   * @param requestBytes batches are put together up to about so many
   */
  OtlpLogExporter(OtlpConnection connection, int requestBytes) {
    this.connection = connection;
    this.requestBytes = requestBytes;
  }

  @Override
  public Outcome carry(Spool spool) throws InterruptedException {
    byte[] request = request(spool);
    if (request.length == 0) {
      return new Outcome.Delivered(0);
    }
    return switch (connection.send(request)) {
      case Accepted accepted -> {
        backoff.reset();
        yield new Outcome.Delivered(accepted.rejected());
      }
      case Failed failed when failed.cause() == Cause.INVALID -> {
        backoff.reset();
        yield new Outcome.Refused(failed.message());
      }
      case Failed failed -> {
        Duration ours = backoff.next();
        Duration asked = failed.retryAfter().orElse(Duration.ZERO);
        yield new Outcome.Failed(
            failed.cause().vital(OtlpSignal.LOGS),
            failed.message(),
            asked.compareTo(ours) > 0 ? asked : ours);
      }
    };
  }

  /** Messages may be put together from their parts: these have only a repeated field. */
  private byte[] request(Spool spool) throws InterruptedException {
    List<byte[]> parts = new ArrayList<>();
    int bytes = 0;
    Batch batch = spool.take(Duration.ZERO);
    while (batch != null) {
      parts.add(batch.message());
      bytes += batch.message().length;
      // As large as the last one is the next one, most likely.
      boolean fits = bytes + batch.message().length <= requestBytes;
      batch = fits ? spool.take(Duration.ZERO) : null;
    }
    return parts.size() == 1 ? parts.getFirst() : Bytes.concat(parts.toArray(new byte[0][]));
  }

  @Override
  public void end() {
    // Each request has its own end.
  }

  @Override
  public String target() {
    return "the OTLP receiver of logs " + connection.target();
  }

  @Override
  public void close() {
    connection.close();
  }
}
