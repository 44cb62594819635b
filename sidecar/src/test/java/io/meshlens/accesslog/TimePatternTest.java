// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class TimePatternTest {
  private static String text(String pattern, long epochNs) {
    List<String> problems = new ArrayList<>();
    TimePattern time = TimePattern.of(pattern, problems);
    assertThat(problems).isEmpty();
    byte[] out = new byte[time.maxBytes()];
    time.write(epochNs - 5_000_000_000L, out, 0);
    return new String(out, 0, time.write(epochNs, out, 0), UTF_8);
  }

  /** Each as date(1) prints it: date -u -d @1795221953.023456789 +FORMAT. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "%Y-%m-%dT%H:%M:%E3SZ | 2026-11-21T00:45:53.023Z",
        "%s                   | 1795221953",
        "%s.%3f               | 1795221953.023",
        "%s.%6f               | 1795221953.023456",
        "%f                   | 023456789",
        "%E1S                 | 53.0",
        "%F %T                | 2026-11-21 00:45:53",
        "%D %R %I %p          | 11/21/26 00:45 12 AM",
        "%a %A %b %B %h       | Sat Saturday Nov November Nov",
        "%y %j %e             | 26 325 21",
        "%d/%b/%Y:%H:%M:%S %z | 21/Nov/2026:00:45:53 +0000",
        "%Z 100%%             | UTC 100%",
        "Jahr %Y              | Jahr 2026",
      })
  void conversionIsWhatStrftimeMakesOfIt(String pattern, String expected) {
    assertThat(text(pattern, 1_795_221_953_023_456_789L)).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"%Q", "%", "%E", "%0f", "%E0S", "a%"})
  void unknownConversionIsAProblemWithItsPlace(String pattern) {
    List<String> problems = new ArrayList<>();
    TimePattern.of(pattern, problems);
    assertThat(problems).singleElement().asString().contains("at character", "%Y", "%1f to %9f");
  }
}
