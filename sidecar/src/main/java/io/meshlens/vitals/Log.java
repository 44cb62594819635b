// SPDX-License-Identifier: Apache-2.0
package io.meshlens.vitals;

import java.io.PrintStream;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The program's own log: one line for each message on stderr, because stdout belongs to the access
 * log. Repeated messages of one kind are limited to one in ten seconds with the number suppressed.
 */
public final class Log {
  /** Least important first. */
  public enum Level {
    DEBUG,
    INFO,
    WARN,
    ERROR
  }

  private static final long REPEAT_INTERVAL_SECONDS = 10;

  private record Repeated(Instant lastPrinted, long suppressed) {}

  private final PrintStream out;
  private final Level threshold;
  private final InstantSource clock;
  private final Map<String, Repeated> repeated = new ConcurrentHashMap<>();

  public Log(PrintStream out, Level threshold, InstantSource clock) {
    this.out = out;
    this.threshold = threshold;
    this.clock = clock;
  }

  public void debug(String message) {
    print(Level.DEBUG, message, null);
  }

  public void info(String message) {
    print(Level.INFO, message, null);
  }

  public void warn(String message) {
    print(Level.WARN, message, null);
  }

  public void error(String message, @Nullable Throwable cause) {
    print(Level.ERROR, message, cause);
  }

  /** A warning that may come again and again; {@code kind} is what is limited. */
  public void warnRepeated(String kind, String message) {
    Instant now = clock.instant();
    long[] suppressed = {-1};
    repeated.compute(
        kind,
        (k, before) -> {
          // A clock that was set back must not silence a warning until it has caught up.
          if (before != null
              && !now.isBefore(before.lastPrinted)
              && before.lastPrinted.plusSeconds(REPEAT_INTERVAL_SECONDS).isAfter(now)) {
            return new Repeated(before.lastPrinted, before.suppressed + 1);
          }
          suppressed[0] = before == null ? 0 : before.suppressed;
          return new Repeated(now, 0);
        });
    if (suppressed[0] >= 0) {
      print(
          Level.WARN,
          suppressed[0] == 0 ? message : message + " (and " + suppressed[0] + " more like it)",
          null);
    }
  }

  private void print(Level level, String message, @Nullable Throwable cause) {
    if (level.compareTo(threshold) < 0) {
      return;
    }
    String line =
        clock.instant().truncatedTo(ChronoUnit.MILLIS)
            + " "
            + level.name().toLowerCase(Locale.ROOT)
            + " "
            + message;
    synchronized (out) {
      out.println(line);
      if (cause != null) {
        cause.printStackTrace(out);
      }
      out.flush();
    }
  }
}
