// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.metrics.InstrumentType;
import io.opentelemetry.sdk.metrics.data.AggregationTemporality;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.metrics.export.MetricExporter;
import java.util.Collection;

/** Counts how an exporter's exports end: the SDK itself reports success even after a refusal. */
final class CountedExporter implements MetricExporter {
  private final MetricExporter exporter;
  private final Vitals vitals;
  private final Log log;
  private final String target;

  CountedExporter(MetricExporter exporter, Vitals vitals, Log log, String target) {
    this.exporter = exporter;
    this.vitals = vitals;
    this.log = log;
    this.target = target;
  }

  @Override
  public CompletableResultCode export(Collection<MetricData> metrics) {
    CompletableResultCode result = exporter.export(metrics);
    result.whenComplete(
        () -> {
          if (result.isSuccess()) {
            vitals.increment(Vital.OTLP_EXPORTS_SUCCEEDED);
          } else {
            vitals.increment(Vital.OTLP_EXPORTS_FAILED);
            Throwable cause = result.getFailureThrowable();
            log.warnRepeated(
                "otlp",
                "OTLP receiver %s: %s; the next export carries all sums"
                    .formatted(target, cause == null ? "export failed" : cause.getMessage()));
          }
        });
    return result;
  }

  @Override
  public CompletableResultCode flush() {
    return exporter.flush();
  }

  @Override
  public CompletableResultCode shutdown() {
    return exporter.shutdown();
  }

  @Override
  public AggregationTemporality getAggregationTemporality(InstrumentType instrumentType) {
    return exporter.getAggregationTemporality(instrumentType);
  }
}
