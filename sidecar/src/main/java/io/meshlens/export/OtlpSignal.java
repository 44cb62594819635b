// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.vitals.Vital;

/** What is sent to an OTLP receiver: all in which the ways of metrics and of log records differ. */
enum OtlpSignal {
  METRICS(
      "metrics",
      "MetricsService",
      "rejectedDataPoints",
      "points",
      "metrics.otlp",
      Vital.OTLP_TLS_RELOADED,
      Vital.OTLP_TLS_RELOAD_FAILED),
  LOGS(
      "logs",
      "LogsService",
      "rejectedLogRecords",
      "log records",
      "access_log.otlp",
      Vital.OTLP_LOGS_TLS_RELOADED,
      Vital.OTLP_LOGS_TLS_RELOAD_FAILED);

  private final String word;
  private final String service;
  private final String rejectedKey;
  private final String things;
  private final String settings;
  private final Vital tlsReloaded;
  private final Vital tlsReloadFailed;

  OtlpSignal(
      String word,
      String service,
      String rejectedKey,
      String things,
      String settings,
      Vital tlsReloaded,
      Vital tlsReloadFailed) {
    this.word = word;
    this.service = service;
    this.rejectedKey = rejectedKey;
    this.things = things;
    this.settings = settings;
    this.tlsReloaded = tlsReloaded;
    this.tlsReloadFailed = tlsReloadFailed;
  }

  /** Of a URL. */
  String path() {
    return "/v1/" + word;
  }

  /** In full, as gRPC wants it. */
  String method() {
    return "opentelemetry.proto.collector.%s.v1.%s/Export".formatted(word, service);
  }

  /** In an answer that is JSON: how many were rejected. */
  String rejectedKey() {
    return rejectedKey;
  }

  /** What a request has many of. */
  String things() {
    return things;
  }

  /** The prefix of the settings of its receiver. */
  String settings() {
    return settings;
  }

  Vital tlsReloaded() {
    return tlsReloaded;
  }

  Vital tlsReloadFailed() {
    return tlsReloadFailed;
  }
}
