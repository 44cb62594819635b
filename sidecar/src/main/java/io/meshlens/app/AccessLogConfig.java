// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.accesslog.ChoiceConfig;
import io.meshlens.accesslog.EventsConfig;
import io.meshlens.accesslog.LineStyle;
import io.meshlens.export.AlsConfig;
import io.meshlens.export.DeliveryConfig;
import io.meshlens.export.LogFileConfig;
import io.meshlens.export.OtlpLogConfig;
import io.meshlens.spool.SpoolConfig;
import java.util.Optional;

/** Where connections are written to, each as a record. */
public record AccessLogConfig(
    StdoutLog stdout,
    Lines stdoutLines,
    Chosen stdoutChosen,
    Optional<FileLog> file,
    SpoolConfig spool,
    Optional<Way<AlsConfig>> als,
    Optional<Way<OtlpLogConfig>> otlp) {
  /** Whether connections go to stdout. */
  public enum StdoutLog {
    ON,
    OFF
  }

  /**
   * What lines look like.
   *
   * @param textFormat for {@link LineStyle#TEXT}
   */
  public record Lines(LineStyle style, String textFormat, String hostName) {}

  /** Which records a log gets. */
  public record Chosen(EventsConfig events, ChoiceConfig choice) {}

  /** A log that is a file. */
  public record FileLog(LogFileConfig file, Lines lines, Chosen chosen) {}

  /** A receiver, how batches for it are made, and of which records. */
  public record Way<T>(T receiver, DeliveryConfig delivery, Chosen chosen) {}
}
