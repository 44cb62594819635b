// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.metrics.MeshMetrics;
import io.meshlens.vitals.Gauge;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.api.metrics.ObservableLongMeasurement;
import io.opentelemetry.api.metrics.ObservableMeasurement;
import io.opentelemetry.sdk.resources.Resource;
import io.prometheus.metrics.model.registry.MultiCollector;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Our metrics: those about connections, and as OpenTelemetry instruments, all asynchronous, those
 * about the program itself. Nothing is counted twice here.
 */
public final class Instruments {
  private static final AttributeKey<String> CAUSE = AttributeKey.stringKey("cause");

  private final MeshMetrics mesh;
  private final Vitals vitals;
  private final List<Gauge> gauges;

  public Instruments(MeshMetrics mesh, Vitals vitals, List<Gauge> gauges) {
    this.mesh = mesh;
    this.vitals = vitals;
    this.gauges = List.copyOf(gauges);
  }

  /** Has the metrics about connections pushed beside those of the SDK. */
  void pushMesh(OtlpPush push, Resource resource) {
    push.carry(mesh, resource);
  }

  /** A collector of the metrics about connections beside what another collects. */
  MultiCollector withMesh(MultiCollector own) {
    return new MeshCollector(own, mesh);
  }

  /**
   * Registers what tells of the program itself.
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
    // The first to be called: whoever collects reads the sums once, and all numbers after it.
    registerVitals(meter, vital -> kernels.contains(vital.metric()), mesh::account);
    afterKernels.run();
    registerVitals(meter, vital -> !kernels.contains(vital.metric()), () -> {});
    for (Gauge gauge : gauges) {
      meter
          .gaugeBuilder(gauge.metric().metric())
          .ofLongs()
          .setUnit(gauge.metric().unit())
          .setDescription(gauge.metric().help())
          .buildWithCallback(m -> m.record(gauge.value().getAsLong()));
    }
  }

  private void registerVitals(Meter meter, Predicate<Vital> which, Runnable before) {
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
          before.run();
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
}
