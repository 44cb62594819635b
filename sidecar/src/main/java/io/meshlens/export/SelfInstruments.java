// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.vitals.Durations;
import io.meshlens.vitals.Readings;
import io.meshlens.vitals.Readings.Points;
import io.meshlens.vitals.SelfMetric;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.api.metrics.DoubleHistogram;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.api.metrics.ObservableDoubleMeasurement;
import io.opentelemetry.api.metrics.ObservableLongMeasurement;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/** {@link SelfMetric} as OpenTelemetry instruments. */
final class SelfInstruments {
  /** The conventions want no text here. */
  private static final Set<String> BOOLEAN_ATTRIBUTES = Set.of("jvm.thread.daemon");

  private SelfInstruments() {}

  static void register(Meter meter, Collection<Readings> readings, Durations durations) {
    readings.forEach(each -> register(meter, each));
    for (SelfMetric metric : SelfMetric.values()) {
      if (metric.kind() == SelfMetric.Kind.HISTOGRAM) {
        DoubleHistogram histogram =
            meter
                .histogramBuilder(metric.metric())
                .setUnit(metric.unit())
                .setDescription(metric.help())
                .build();
        durations.bind(
            metric, (seconds, values) -> histogram.record(seconds, attributes(metric, values)));
      }
    }
  }

  private static void register(Meter meter, Readings readings) {
    if (readings.metric().isFractional()) {
      registerFractional(meter, readings);
    } else {
      registerWhole(meter, readings);
    }
  }

  private static void registerFractional(Meter meter, Readings readings) {
    SelfMetric metric = readings.metric();
    Consumer<ObservableDoubleMeasurement> read =
        m -> readings.source().read(new Fractions(metric, m));
    switch (metric.kind()) {
      case COUNTER ->
          meter
              .counterBuilder(metric.metric())
              .ofDoubles()
              .setUnit(metric.unit())
              .setDescription(metric.help())
              .buildWithCallback(read);
      case UP_DOWN_COUNTER ->
          meter
              .upDownCounterBuilder(metric.metric())
              .ofDoubles()
              .setUnit(metric.unit())
              .setDescription(metric.help())
              .buildWithCallback(read);
      case GAUGE ->
          meter
              .gaugeBuilder(metric.metric())
              .setUnit(metric.unit())
              .setDescription(metric.help())
              .buildWithCallback(read);
      case HISTOGRAM -> throw new IllegalArgumentException(metric + " is not read but recorded");
    }
  }

  private static void registerWhole(Meter meter, Readings readings) {
    SelfMetric metric = readings.metric();
    Consumer<ObservableLongMeasurement> read = m -> readings.source().read(new Wholes(metric, m));
    switch (metric.kind()) {
      case COUNTER ->
          meter
              .counterBuilder(metric.metric())
              .setUnit(metric.unit())
              .setDescription(metric.help())
              .buildWithCallback(read);
      case UP_DOWN_COUNTER ->
          meter
              .upDownCounterBuilder(metric.metric())
              .setUnit(metric.unit())
              .setDescription(metric.help())
              .buildWithCallback(read);
      case GAUGE ->
          meter
              .gaugeBuilder(metric.metric())
              .ofLongs()
              .setUnit(metric.unit())
              .setDescription(metric.help())
              .buildWithCallback(read);
      case HISTOGRAM -> throw new IllegalArgumentException(metric + " is not read but recorded");
    }
  }

  private record Fractions(SelfMetric metric, ObservableDoubleMeasurement measurement)
      implements Points {
    @Override
    public void add(long value, String... values) {
      throw new IllegalArgumentException(metric + " has fractions");
    }

    @Override
    public void addFraction(double value, String... values) {
      measurement.record(value, attributes(metric, List.of(values)));
    }
  }

  private record Wholes(SelfMetric metric, ObservableLongMeasurement measurement)
      implements Points {
    @Override
    public void add(long value, String... values) {
      measurement.record(value, attributes(metric, List.of(values)));
    }

    @Override
    public void addFraction(double value, String... values) {
      throw new IllegalArgumentException(metric + " has whole numbers only");
    }
  }

  private static Attributes attributes(SelfMetric metric, List<String> values) {
    AttributesBuilder attributes = Attributes.builder();
    for (int i = 0; i < values.size(); i++) {
      String name = metric.attributes().get(i);
      if (BOOLEAN_ATTRIBUTES.contains(name)) {
        attributes.put(AttributeKey.booleanKey(name), Boolean.valueOf(values.get(i)));
      } else {
        attributes.put(name, values.get(i));
      }
    }
    return attributes.build();
  }
}
