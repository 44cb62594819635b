// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vitals;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.exporter.otlp.http.metrics.OtlpHttpMetricExporter;
import io.opentelemetry.exporter.otlp.metrics.OtlpGrpcMetricExporter;
import io.opentelemetry.exporter.prometheus.PrometheusMetricReader;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.SdkMeterProviderBuilder;
import io.opentelemetry.sdk.metrics.export.MetricExporter;
import io.opentelemetry.sdk.metrics.export.PeriodicMetricReader;
import io.opentelemetry.sdk.resources.Resource;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * The OpenTelemetry SDK with our instruments, read by Prometheus when it scrapes and pushed by OTLP
 * when configured. Every read asks the kernel anew, so both agree with the sums of that moment.
 */
public final class MetricsExport implements AutoCloseable {
  private static final AttributeKey<String> SERVICE_NAME = AttributeKey.stringKey("service.name");
  private static final AttributeKey<String> SERVICE_VERSION =
      AttributeKey.stringKey("service.version");
  private static final AttributeKey<String> SERVICE_INSTANCE_ID =
      AttributeKey.stringKey("service.instance.id");
  private static final Duration EXPORT_TIMEOUT = Duration.ofSeconds(10);

  private final SdkMeterProvider provider;
  private final PrometheusRegistry registry = new PrometheusRegistry();

  /**
   * @param sumsSince start of every cumulative series: the sums may be older than this process
   * @param maxSeries no metric has more series; must exceed what the kernel's map can hold, because
   *     the SDK would drop numbers beyond it
   * @param scheduler runs the periodic push
   */
  public MetricsExport(
      Instruments instruments,
      Optional<OtlpConfig> otlp,
      Instant sumsSince,
      String version,
      String nodeId,
      int maxSeries,
      ScheduledExecutorService scheduler,
      Vitals vitals,
      Log log) {
    PrometheusMetricReader prometheus =
        PrometheusMetricReader.builder()
            .setOtelScopeLabelsEnabled(false)
            .setTargetInfoMetricEnabled(false)
            .build();
    registry.register(prometheus);
    StartClock clock = new StartClock(sumsSince);
    SdkMeterProviderBuilder builder =
        SdkMeterProvider.builder()
            .setClock(clock)
            .setResource(
                Resource.create(
                    Attributes.of(
                        SERVICE_NAME, "meshlens",
                        SERVICE_VERSION, version,
                        SERVICE_INSTANCE_ID, nodeId)))
            .registerMetricReader(prometheus, type -> maxSeries);
    otlp.ifPresent(
        config ->
            builder.registerMetricReader(
                PeriodicMetricReader.builder(
                        new CountedExporter(
                            exporter(config), vitals, log, config.endpoint().toString()))
                    .setInterval(config.interval())
                    .setExecutor(scheduler)
                    .build(),
                type -> maxSeries));
    provider = builder.build();
    instruments.register(provider.get("meshlens"), clock::runOn);
  }

  private static MetricExporter exporter(OtlpConfig config) {
    return switch (config.protocol()) {
      case GRPC ->
          OtlpGrpcMetricExporter.builder()
              .setEndpoint(config.metricsUrl())
              .setTimeout(EXPORT_TIMEOUT)
              .build();
      case HTTP_PROTOBUF ->
          OtlpHttpMetricExporter.builder()
              .setEndpoint(config.metricsUrl())
              .setTimeout(EXPORT_TIMEOUT)
              .build();
    };
  }

  /** What a Prometheus scrape reads. */
  public PrometheusRegistry prometheusRegistry() {
    return registry;
  }

  /** A last export, as far as the deadline allows. */
  public void shutdown(Duration deadline) {
    CompletableResultCode done = provider.shutdown();
    done.join(deadline.toMillis(), TimeUnit.MILLISECONDS);
  }

  @Override
  public void close() {
    provider.close();
  }
}
