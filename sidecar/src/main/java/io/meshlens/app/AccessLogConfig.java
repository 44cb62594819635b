// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.export.AlsConfig;
import java.time.Duration;
import java.util.Optional;

/** Where connections are written to, each as a record. */
public record AccessLogConfig(
    StdoutLog stdout, Optional<Duration> periodicInterval, Optional<AlsConfig> als) {
  /** Whether connections go to stdout. */
  public enum StdoutLog {
    ON,
    OFF
  }
}
