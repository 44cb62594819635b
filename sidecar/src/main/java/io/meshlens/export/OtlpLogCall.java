// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import com.google.protobuf.InvalidProtocolBufferException;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceResponse;
import java.time.Duration;

/** One way to send an {@code ExportLogsServiceRequest}. Owned by: export-otlp-logs. */
interface OtlpLogCall extends AutoCloseable {
  /** The longest that a receiver can make us wait by asking for it. */
  Duration LONGEST_WAIT = Duration.ofMinutes(5);

  /** Sends and waits for the answer, within the configured time. */
  Carrier.Outcome send(byte[] request) throws InterruptedException;

  @Override
  void close();

  /** The receiver's answer to a request that it accepted, in whole or in part. */
  static Carrier.Outcome accepted(byte[] response) {
    try {
      long rejected =
          ExportLogsServiceResponse.parseFrom(response).getPartialSuccess().getRejectedLogRecords();
      return new Carrier.Outcome.Delivered(Math.max(0, rejected));
    } catch (InvalidProtocolBufferException e) {
      return new Carrier.Outcome.Failed(
          response.length + " bytes, which are no answer of an OTLP receiver", Duration.ZERO);
    }
  }

  static Duration bounded(Duration wait) {
    return wait.isNegative()
        ? Duration.ZERO
        : wait.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : wait;
  }
}
