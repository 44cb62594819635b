// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.spool.Batch;
import io.meshlens.spool.Spool;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.random.RandomGenerator;

/** Brings batches to an OTLP receiver, a request each. Owned by: export-otlp-logs. */
final class OtlpLogExporter implements Carrier {
  private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  private final OtlpLogConfig config;
  private final OtlpLogCall call;
  private final Backoff backoff =
      new Backoff(FIRST_PAUSE, LONGEST_PAUSE, RandomGenerator.getDefault());

  OtlpLogExporter(OtlpLogConfig config) throws IOException {
    this.config = config;
    try {
      call =
          switch (config.protocol()) {
            case GRPC -> new OtlpLogGrpc(config);
            case HTTP_PROTOBUF -> new OtlpLogHttp(config);
          };
    } catch (GeneralSecurityException e) {
      throw new IOException("access_log.otlp.tls: " + e.getMessage(), e);
    }
  }

  @Override
  public Outcome carry(Spool spool) throws InterruptedException {
    Batch batch = spool.take(Duration.ZERO);
    if (batch == null) {
      return new Outcome.Delivered(0);
    }
    Outcome outcome = call.send(batch.message());
    if (outcome instanceof Outcome.Failed failed) {
      Duration pause = backoff.next();
      return failed.pause().compareTo(pause) > 0
          ? failed
          : new Outcome.Failed(failed.reason(), pause);
    }
    backoff.reset();
    return outcome;
  }

  @Override
  public void end() {
    // Each request has its own end.
  }

  @Override
  public String target() {
    return "the OTLP receiver of logs " + config.target();
  }

  @Override
  public void close() {
    call.close();
  }
}
