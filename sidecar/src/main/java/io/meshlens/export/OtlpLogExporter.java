// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.export.Answer.Accepted;
import io.meshlens.export.Answer.Cause;
import io.meshlens.export.Answer.Failed;
import io.meshlens.spool.Batch;
import io.meshlens.spool.Spool;
import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Brings batches to an OTLP receiver, a request each.
 *
 * <p>Only what the receiver calls invalid is given up. Other refusals, of a wrong token or a
 * missing service, are mistakes that somebody will correct, and until then records can wait. Owned
 * by: export-otlp-logs.
 */
final class OtlpLogExporter implements Carrier {
  private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  private final OtlpConnection connection;
  private final Backoff backoff =
      new Backoff(FIRST_PAUSE, LONGEST_PAUSE, RandomGenerator.getDefault());

  OtlpLogExporter(OtlpConnection connection) {
    this.connection = connection;
  }

  @Override
  public Outcome carry(Spool spool) throws InterruptedException {
    Batch batch = spool.take(Duration.ZERO);
    if (batch == null) {
      return new Outcome.Delivered(0);
    }
    return switch (connection.send(batch.message())) {
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
