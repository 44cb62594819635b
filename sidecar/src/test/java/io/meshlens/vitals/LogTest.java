// SPDX-License-Identifier: Apache-2.0
package io.meshlens.vitals;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

final class LogTest {
  private final AtomicReference<Instant> now =
      new AtomicReference<>(Instant.parse("2026-11-21T00:45:53.123456789Z"));
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  private Log log(Log.Level threshold) {
    InstantSource clock = now::get;
    return new Log(new PrintStream(bytes, true, UTF_8), threshold, clock);
  }

  private List<String> lines() {
    return bytes.toString(UTF_8).lines().toList();
  }

  private void pass(long millis) {
    now.updateAndGet(instant -> instant.plusMillis(millis));
  }

  @Test
  void lineHasTimeLevelAndMessage() {
    log(Log.Level.INFO).info("hello");

    assertThat(lines()).containsExactly("2026-11-21T00:45:53.123Z info hello");
  }

  @Test
  void messagesBelowTheThresholdAreNotPrinted() {
    Log log = log(Log.Level.WARN);
    log.debug("d");
    log.info("i");
    log.warn("w");
    log.error("e", null);

    assertThat(lines()).hasSize(2);
    assertThat(lines().get(0)).endsWith("warn w");
    assertThat(lines().get(1)).endsWith("error e");
  }

  @Test
  void errorShowsItsCause() {
    log(Log.Level.INFO).error("broken", new IllegalStateException("because"));

    assertThat(lines().get(0)).endsWith("error broken");
    assertThat(lines().get(1)).isEqualTo("java.lang.IllegalStateException: because");
  }

  @Test
  void firstOfManyRepeatedWarningsIsPrinted() {
    Log log = log(Log.Level.INFO);
    for (int i = 0; i < 100; i++) {
      log.warnRepeated("full", "queue full");
      pass(99);
    }

    assertThat(lines()).containsExactly("2026-11-21T00:45:53.123Z warn queue full");
  }

  @Test
  void repeatedWarningComesAgainAfterTenSecondsWithTheNumberSuppressed() {
    Log log = log(Log.Level.INFO);
    log.warnRepeated("full", "queue full");
    log.warnRepeated("full", "queue full");
    pass(9_999);
    log.warnRepeated("full", "queue full");
    pass(1);
    log.warnRepeated("full", "queue full");

    assertThat(lines()).hasSize(2);
    assertThat(lines().get(1)).endsWith("warn queue full (and 2 more like it)");
  }

  @Test
  void warningAfterAQuietTimeCountsNothing() {
    Log log = log(Log.Level.INFO);
    log.warnRepeated("full", "queue full");
    pass(60_000);
    log.warnRepeated("full", "queue full");

    assertThat(lines().get(1)).endsWith("warn queue full");
  }

  @Test
  void kindsAreLimitedEachForItself() {
    Log log = log(Log.Level.INFO);
    log.warnRepeated("a", "first");
    log.warnRepeated("b", "second");

    assertThat(lines()).hasSize(2);
  }

  @Test
  void aClockThatIsSetBackSilencesNoWarning() {
    Log log = log(Log.Level.INFO);
    log.warnRepeated("k", "first");
    log.warnRepeated("k", "like it");
    pass(-3_600_000);
    log.warnRepeated("k", "an hour before");
    pass(9_999);
    log.warnRepeated("k", "like it");

    assertThat(lines()).hasSize(2);
    assertThat(lines().get(1)).endsWith("warn an hour before (and 1 more like it)");
  }
}
