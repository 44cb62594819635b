// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.spool.Spool;
import io.meshlens.spool.SpoolConfig;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/**
 * Makes the ways out that deliver with a promise.
 *
 * @param version of this program
 * @param monoNs the monotonic clock, nanoseconds
 * @param epochNs the wall clock, nanoseconds since 1970
 */
public record Deliveries(
    SpoolConfig spools,
    String version,
    LongSupplier monoNs,
    LongSupplier epochNs,
    Vitals vitals,
    Log log) {
  private static final long DURABLE_STREAM_BYTES = 16 << 20;

  /** Half of what may wait in memory, so that the other half can give way to newer records. */
  private long streamBytes() {
    return spools.directory().isPresent() ? DURABLE_STREAM_BYTES : spools.memoryBytes() / 2;
  }

  /**
   * To an Envoy access log service.
   *
   * @throws IOException when the spool or a file for TLS cannot be used
   */
  public Delivery toAccessLogService(AlsConfig config, DeliveryConfig delivery, ConnectionIds ids)
      throws IOException {
    AlsChannel channel =
        new AlsChannel(
            config.transport(), version, monoNs, RandomGenerator.getDefault(), vitals, log);
    Spool spool = spool("als", DeliveryVitals.ALS, "the access log service");
    return new Delivery(
        delivery,
        DeliveryVitals.ALS,
        new AlsEncoder(new AlsMapping(ids)),
        spool,
        new AlsExporter(config, version, channel, streamBytes(), monoNs),
        monoNs,
        vitals,
        log);
  }

  /**
   * To an OTLP receiver.
   *
   * @throws IOException when the spool cannot be used
   */
  public Delivery toOtlp(OtlpLogConfig config, DeliveryConfig delivery, ConnectionIds ids)
      throws IOException {
    OtlpConnection connection =
        new OtlpConnection(config.receiver(), OtlpSignal.LOGS, monoNs, vitals, log);
    Spool spool = spool("otlp", DeliveryVitals.OTLP, "the OTLP receiver of logs");
    return new Delivery(
        delivery,
        DeliveryVitals.OTLP,
        new OtlpLogEncoder(config, version, new OtlpLogMapping(ids, epochNs)),
        spool,
        new OtlpLogExporter(connection, delivery.batchBytes()),
        monoNs,
        vitals,
        log);
  }

  private Spool spool(String name, DeliveryVitals counters, String receiver) throws IOException {
    return Spool.open(spools, name, monoNs, new SpoolLosses(counters, receiver, vitals, log));
  }
}
