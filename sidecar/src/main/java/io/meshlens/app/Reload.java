// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.config.ConfigException;
import io.meshlens.config.Configuration;
import io.meshlens.vitals.Log;
import java.util.List;

/**
 * What SIGHUP asks for: log files are opened anew, the configuration is read again, and its filters
 * and choices of records are put in force, all of them or none; so is the static file of names.
 * Other settings hold until the end of the program.
 */
public final class Reload {
  private static final String FILTERS = "filter.";

  /** Reads the configuration anew. */
  public interface Source {
    Configuration read() throws ConfigException;
  }

  private final Sidecar sidecar;
  private final Configuration started;
  private final Source source;
  private final Log log;

  /**
   * Nothing is read before {@link #run}.
   *
   * @param started the configuration of the running program
   */
  public Reload(Sidecar sidecar, Configuration started, Source source, Log log) {
    this.sidecar = sidecar;
    this.started = started;
    this.source = source;
    this.log = log;
  }

  /** Reads and applies; says what came of it. */
  public void run() {
    sidecar.rereadNames();
    sidecar.reopenLogs();
    try {
      Configuration read = source.read();
      sidecar.changeFilters(KernelSettings.filter(read));
      sidecar.changeChoices(AccessLogSettings.choices(read));
      List<String> others =
          started.changed(read).stream()
              .filter(name -> !name.startsWith(FILTERS) && !AccessLogSettings.isReloadable(name))
              .toList();
      if (!others.isEmpty()) {
        log.warn(
            "these settings have changed too and need a restart: " + String.join(", ", others));
      }
    } catch (ConfigException e) {
      sidecar.countRefusedFilters();
      log.warn(
          "the configuration has "
              + e.problems().size()
              + " problem(s); the filters stay as they were:");
      e.problems().forEach(problem -> log.warn("  " + problem));
    } catch (RuntimeException e) {
      sidecar.countRefusedFilters();
      log.error("the filters could not be changed", e);
    }
  }
}
