// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.accesslog.ChoiceConfig;
import io.meshlens.accesslog.ChoiceConfig.Errors;
import io.meshlens.accesslog.EventsConfig;
import io.meshlens.accesslog.EventsConfig.Opened;
import io.meshlens.accesslog.EventsConfig.Periodic;
import io.meshlens.accesslog.RecordFilter;
import io.meshlens.app.AccessLogConfig.Chosen;
import io.meshlens.config.ConfigKey;
import io.meshlens.config.Configuration;
import io.meshlens.config.ValueType;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** Which records a log gets, in the order of the reference page; each log has all of these. */
public final class ChoiceSettings {
  private static final ValueType<Optional<Duration>> THRESHOLD =
      ValueType.optional(ValueType.duration(Duration.ofMillis(1), Duration.ofHours(24)));

  private final String log;
  private final ConfigKey<Boolean> opened;
  private final ConfigKey<Periodic> periodic;
  private final ConfigKey<Optional<Duration>> periodicInterval;
  private final ConfigKey<String> filter;
  private final ConfigKey<Double> sampling;
  private final ConfigKey<Optional<Integer>> rateLimit;
  private final ConfigKey<Boolean> keepErrors;
  private final ConfigKey<Optional<Duration>> keepConnectOver;
  private final ConfigKey<Optional<Duration>> keepDurationOver;

  ChoiceSettings(String log) {
    this.log = log;
    opened =
        key(
            "opened",
            ValueType.bool(),
            "false",
            "Whether this log has a record when a connection is established.");
    periodic =
        key(
            "periodic",
            ValueType.oneOf(Periodic.class, ChoiceSettings::label),
            "cumulative",
            "What records of an open connection count: everything since its start (cumulative), or"
                + " what came since its record before, as its final record then does too (delta);"
                + " none for no such records.");
    periodicInterval =
        key(
            "periodic_interval",
            ValueType.optional(ValueType.duration(Duration.ofSeconds(1), Duration.ofHours(24))),
            "",
            "Time between two records of an open connection in this log; empty for that of"
                + " access_log.periodic_interval.");
    filter = filterKey();
    sampling =
        key(
            "sampling",
            ValueType.ratio(),
            "1",
            "Which part of all connections this log has; all records of one share its fate. SIGHUP"
                + " changes it.");
    rateLimit =
        key(
            "rate_limit",
            ValueType.optional(ValueType.integer(1, 1_000_000)),
            "",
            "Records a second that this log has from one workload to another; empty for no limit."
                + " SIGHUP changes it.");
    keepErrors =
        key(
            "keep_errors",
            ValueType.bool(),
            "true",
            "Whether connections that failed or did not end by FIN are neither sampled nor limited."
                + " SIGHUP changes it.");
    keepConnectOver =
        key(
            "keep_connect_over",
            THRESHOLD,
            "",
            "Connections that took longer to be established are neither sampled nor limited. SIGHUP"
                + " changes it.");
    keepDurationOver =
        key(
            "keep_duration_over",
            THRESHOLD,
            "",
            "Connections that lasted longer are neither sampled nor limited. SIGHUP changes it.");
  }

  private ConfigKey<String> filterKey() {
    return key(
        "filter",
        ValueType.language(
            "a CEL expression that is true or false, or empty for all records",
            text -> text.isBlank() ? List.of() : RecordFilter.problems(text)),
        "",
        "Which records this log has, such as destination.port == 443 && bytes > 1000;"
            + " docs/access-logs.md has the names. SIGHUP changes it.");
  }

  private <T> ConfigKey<T> key(String name, ValueType<T> type, String defaultText, String help) {
    return new ConfigKey<>("access_log." + log + "." + name, type, defaultText, help);
  }

  private static String label(Periodic periodic) {
    return periodic == Periodic.OFF ? "none" : periodic.name().toLowerCase(Locale.ROOT);
  }

  String log() {
    return log;
  }

  List<ConfigKey<?>> keys() {
    return Stream.concat(
            Stream.<ConfigKey<?>>of(opened, periodic, periodicInterval), reloadable().stream())
        .toList();
  }

  private List<ConfigKey<?>> reloadable() {
    return List.of(filter, sampling, rateLimit, keepErrors, keepConnectOver, keepDurationOver);
  }

  boolean isReloadable(String name) {
    return reloadable().stream().anyMatch(key -> key.name().equals(name));
  }

  Chosen chosen(Configuration values) {
    Optional<Duration> interval =
        values.get(periodicInterval).or(() -> values.get(AccessLogSettings.PERIODIC_INTERVAL));
    return new Chosen(
        new EventsConfig(
            values.get(opened) ? Opened.ON : Opened.OFF,
            values.get(periodic),
            values.get(periodic) == Periodic.OFF ? Optional.empty() : interval),
        choice(values));
  }

  ChoiceConfig choice(Configuration values) {
    return new ChoiceConfig(
        values.get(filter),
        values.get(sampling),
        values.get(rateLimit),
        values.get(keepErrors) ? Errors.KEPT : Errors.CHOSEN,
        values.get(keepConnectOver),
        values.get(keepDurationOver));
  }
}
