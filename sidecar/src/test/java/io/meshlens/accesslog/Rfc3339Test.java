// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class Rfc3339Test {
  private static final DateTimeFormatter SECOND_SOURCE =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSSSSS'Z'").withZone(ZoneOffset.UTC);

  private final Rfc3339 format = new Rfc3339();
  private final byte[] out = new byte[40];

  private String text(long epochNs) {
    return new String(out, 4, format.write(epochNs, out, 4) - 4, US_ASCII);
  }

  private static String expected(long epochNs) {
    return SECOND_SOURCE.format(Instant.ofEpochSecond(0, epochNs));
  }

  @Test
  void randomTimesAreWrittenAsJavaTimeDoes() {
    Random random = new Random(6);
    for (int i = 0; i < 20_000; i++) {
      long epochNs = random.nextLong() >> random.nextInt(64);
      assertThat(text(epochNs)).isEqualTo(expected(epochNs));
    }
  }

  @Test
  void timesOfOneSecondAndTheNextAreToldApart() {
    long second = 1_795_221_953_000_000_000L;
    for (long offset : new long[] {0, 1, 999_999_999, 1_000_000_000, 5, -1}) {
      assertThat(text(second + offset)).isEqualTo(expected(second + offset));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1970-01-01T00:00:00.000000000Z",
        "2024-02-29T23:59:59.999999999Z",
        "2026-11-21T00:45:53.123456789Z",
        "1969-12-31T23:59:59.000000001Z"
      })
  void wellKnownTimeIsItself(String text) {
    Instant time = Instant.parse(text);

    assertThat(text(time.getEpochSecond() * 1_000_000_000L + time.getNano())).isEqualTo(text);
  }
}
