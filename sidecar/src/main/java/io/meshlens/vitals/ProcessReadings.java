// SPDX-License-Identifier: Apache-2.0
package io.meshlens.vitals;

import com.google.common.base.Splitter;
import io.meshlens.vitals.Readings.Points;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** This process, as the kernel's /proc shows it; what cannot be read there is absent. */
public final class ProcessReadings {
  /** The unit of times in /proc on every architecture of Linux (USER_HZ). */
  private static final double TICKS_PER_SECOND = 100;

  private static final double MS_PER_SECOND = 1e3;
  private static final long BYTES_PER_KIB = 1024;

  /** Positions after the name, which ends with the last parenthesis: proc(5), fields 14 and 15. */
  private static final int USER_TICKS = 11;

  private static final int SYSTEM_TICKS = 12;
  private static final Pattern RESIDENT_KIB = Pattern.compile("VmRSS:\\s*(\\d+) kB");

  private final Path directory;

  public ProcessReadings() {
    this(Path.of("/proc/self"));
  }

  ProcessReadings(Path directory) {
    this.directory = directory;
  }

  /** All of them. */
  public List<Readings> readings() {
    return List.of(
        new Readings(SelfMetric.PROCESS_CPU_TIME, this::processorTime),
        new Readings(SelfMetric.PROCESS_MEMORY_USAGE, this::memory),
        new Readings(
            SelfMetric.PROCESS_UPTIME,
            points ->
                points.addFraction(
                    ManagementFactory.getRuntimeMXBean().getUptime() / MS_PER_SECOND)));
  }

  private void processorTime(Points points) {
    String text = read("stat");
    int end = text.lastIndexOf(')');
    if (end < 0) {
      return;
    }
    List<String> fields =
        Splitter.on(' ').omitEmptyStrings().splitToList(text.substring(end + 1).strip());
    if (fields.size() > SYSTEM_TICKS) {
      points.addFraction(Long.parseLong(fields.get(USER_TICKS)) / TICKS_PER_SECOND, "user");
      points.addFraction(Long.parseLong(fields.get(SYSTEM_TICKS)) / TICKS_PER_SECOND, "system");
    }
  }

  private void memory(Points points) {
    Matcher resident = RESIDENT_KIB.matcher(read("status"));
    if (resident.find()) {
      points.add(Long.parseLong(resident.group(1)) * BYTES_PER_KIB);
    }
  }

  private String read(String file) {
    try {
      return Files.readString(directory.resolve(file), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return "";
    }
  }
}
