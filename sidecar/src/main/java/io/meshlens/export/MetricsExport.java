// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.vitals.Durations;
import io.meshlens.vitals.Readings;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.SdkMeterProviderBuilder;
import io.opentelemetry.sdk.resources.Resource;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.time.Instant;
import java.util.Collection;
import java.util.Optional;

/**
 * The OpenTelemetry SDK with our instruments, read by Prometheus when it scrapes and pushed by OTLP
 * when configured. Every read asks the kernel anew, so both agree with the sums of that moment.
 */
public final class MetricsExport implements AutoCloseable {
  private final SdkMeterProvider provider;
  private final PrometheusRegistry registry = new PrometheusRegistry();

  /**
   * Joins the instruments with the ways out.
   *
   * @param push registered as a reader; its thread is the caller's to start and end
   * @param sumsSince start of every cumulative series: the sums may be older than this process
   * @param maxSeries no metric has more series; must exceed what the kernel's map can hold, because
   *     the SDK would drop numbers beyond it
   * @param durations given their histograms here
   */
  public MetricsExport(
      Instruments instruments,
      Collection<Readings> readings,
      Optional<OtlpPush> push,
      ResourceConfig resource,
      String version,
      Instant sumsSince,
      int maxSeries,
      Durations durations) {
    PrometheusPage page = new PrometheusPage();
    registry.register(instruments.withMesh(page));
    StartClock clock = new StartClock(sumsSince);
    Resource origin = resource.resource(version);
    SdkMeterProviderBuilder builder =
        SdkMeterProvider.builder()
            .setClock(clock)
            .setResource(origin)
            .registerMetricReader(page, type -> maxSeries);
    push.ifPresent(
        reader -> {
          instruments.pushMesh(reader, origin);
          builder.registerMetricReader(reader, type -> maxSeries);
        });
    provider = builder.build();
    instruments.register(provider.get("meshlens"), clock::runOn);
    SelfInstruments.register(provider.get("meshlens"), readings, durations);
  }

  /** What a Prometheus scrape reads. */
  public PrometheusRegistry prometheusRegistry() {
    return registry;
  }

  @Override
  public void close() {
    provider.close();
  }
}
