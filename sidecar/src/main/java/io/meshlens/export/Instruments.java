// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.flow.Transport;
import io.meshlens.metrics.Labels;
import io.meshlens.metrics.MeshMetric;
import io.meshlens.metrics.MetricsSnapshot;
import io.meshlens.vitals.Gauge;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.api.metrics.ObservableLongMeasurement;
import io.opentelemetry.api.metrics.ObservableMeasurement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** Our metrics as OpenTelemetry instruments, all asynchronous: nothing is counted twice here. */
public final class Instruments {
  private static final AttributeKey<String> SOURCE_ADDRESS =
      AttributeKey.stringKey("source.address");
  private static final AttributeKey<String> DESTINATION_ADDRESS =
      AttributeKey.stringKey("destination.address");
  private static final AttributeKey<Long> DESTINATION_PORT =
      AttributeKey.longKey("destination.port");
  private static final AttributeKey<String> NETWORK_TRANSPORT =
      AttributeKey.stringKey("network.transport");
  private static final AttributeKey<String> NETWORK_IO_DIRECTION =
      AttributeKey.stringKey("network.io.direction");
  private static final AttributeKey<String> ERROR_TYPE = AttributeKey.stringKey("error.type");
  private static final AttributeKey<String> REPORTER = AttributeKey.stringKey("reporter");
  private static final AttributeKey<String> CAUSE = AttributeKey.stringKey("cause");

  /** The name that the OpenTelemetry specification gives to series that stand for many. */
  private static final AttributeKey<Boolean> OVERFLOW =
      AttributeKey.booleanKey("otel.metric.overflow");

  private final Supplier<MetricsSnapshot> snapshots;
  private final Vitals vitals;
  private final List<Gauge> gauges;

  public Instruments(Supplier<MetricsSnapshot> snapshots, Vitals vitals, List<Gauge> gauges) {
    this.snapshots = snapshots;
    this.vitals = vitals;
    this.gauges = List.copyOf(gauges);
  }

  /**
   * Registers all.
   *
   * @param afterKernels run between the instruments of what the kernel has counted, perhaps since
   *     before this process, and those that begin with it
   */
  void register(Meter meter, Runnable afterKernels) {
    Set<String> kernels =
        Arrays.stream(Vital.values())
            .filter(Vital::isKernels)
            .map(Vital::metric)
            .collect(Collectors.toUnmodifiableSet());
    registerMesh(meter);
    registerVitals(meter, vital -> kernels.contains(vital.metric()));
    afterKernels.run();
    registerVitals(meter, vital -> !kernels.contains(vital.metric()));
    for (Gauge gauge : gauges) {
      meter
          .gaugeBuilder(gauge.metric())
          .ofLongs()
          .setUnit(gauge.unit())
          .setDescription(gauge.help())
          .buildWithCallback(m -> m.record(gauge.value().getAsLong()));
    }
  }

  private void registerMesh(Meter meter) {
    Map<MeshMetric, ObservableLongMeasurement> measurements = new EnumMap<>(MeshMetric.class);
    for (MeshMetric metric : MeshMetric.values()) {
      measurements.put(
          metric,
          switch (metric.kind()) {
            case COUNTER ->
                meter
                    .counterBuilder(metric.metricName())
                    .setUnit(metric.unit())
                    .setDescription(metric.help())
                    .buildObserver();
            case UP_DOWN_COUNTER ->
                meter
                    .upDownCounterBuilder(metric.metricName())
                    .setUnit(metric.unit())
                    .setDescription(metric.help())
                    .buildObserver();
          });
    }
    batch(meter, () -> recordMesh(measurements), new ArrayList<>(measurements.values()));
  }

  private void recordMesh(Map<MeshMetric, ObservableLongMeasurement> measurements) {
    MetricsSnapshot snapshot = snapshots.get();
    measurements.forEach(
        (metric, measurement) ->
            snapshot
                .points(metric)
                .forEach(
                    point ->
                        measurement.record(point.value(), attributes(metric, point.labels()))));
  }

  private void registerVitals(Meter meter, Predicate<Vital> which) {
    List<Vital> chosen = Arrays.stream(Vital.values()).filter(which).toList();
    Map<String, ObservableLongMeasurement> byName = new LinkedHashMap<>();
    for (Vital vital : chosen) {
      byName.computeIfAbsent(
          vital.metric(),
          name ->
              meter
                  .counterBuilder(name)
                  .setUnit(vital.unit())
                  .setDescription(vital.help())
                  .buildObserver());
    }
    batch(
        meter,
        () -> {
          for (Vital vital : chosen) {
            ObservableLongMeasurement measurement = byName.get(vital.metric());
            if (measurement != null) {
              measurement.record(
                  vitals.get(vital),
                  vital.cause().isEmpty()
                      ? Attributes.empty()
                      : Attributes.of(CAUSE, vital.cause()));
            }
          }
        },
        new ArrayList<>(byName.values()));
  }

  /** One callback for instruments that must be read at the same moment. */
  private static void batch(
      Meter meter, Runnable callback, List<? extends ObservableMeasurement> measurements) {
    meter.batchCallback(
        callback,
        measurements.getFirst(),
        measurements.subList(1, measurements.size()).toArray(new ObservableMeasurement[0]));
  }

  private static Attributes attributes(MeshMetric metric, Labels labels) {
    AttributesBuilder attributes =
        Attributes.builder()
            .put(REPORTER, labels.reporter().reporter())
            .put(NETWORK_TRANSPORT, metric.transport().label());
    labels
        .ends()
        .ifPresentOrElse(
            ends -> {
              ends.sourceAddress().ifPresent(address -> attributes.put(SOURCE_ADDRESS, address));
              attributes.put(DESTINATION_ADDRESS, ends.destinationAddress());
              if (metric.transport() == Transport.TCP || ends.destinationPort() != 0) {
                attributes.put(DESTINATION_PORT, (long) ends.destinationPort());
              }
            },
            () -> attributes.put(OVERFLOW, true));
    labels.ioDirection().ifPresent(direction -> attributes.put(NETWORK_IO_DIRECTION, direction));
    labels.errorType().ifPresent(type -> attributes.put(ERROR_TYPE, type));
    return attributes.build();
  }
}
