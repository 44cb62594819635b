// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.vitals.Log;
import io.meshlens.vitals.Readiness;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.InstantSource;
import org.junit.jupiter.api.Test;

class ThreadsTest {
  private final ByteArrayOutputStream said = new ByteArrayOutputStream();
  private final Readiness readiness = new Readiness();
  private final Threads threads =
      new Threads(
          readiness,
          new Log(new PrintStream(said, true, UTF_8), Log.Level.INFO, InstantSource.system()));

  @Test
  void aThreadThatDiesIsSaidAndMakesTheProgramUnhealthy() throws InterruptedException {
    threads
        .start(
            "ring-reader",
            () -> {
              throw new IllegalStateException("wanted");
            })
        .join();

    assertThat(readiness.isHealthy()).isFalse();
    assertThat(readiness.lines())
        .containsExactly(
            "failed: ring-reader: its thread died by java.lang.IllegalStateException: wanted");
    assertThat(said.toString(UTF_8)).contains("thread ring-reader died");
  }

  @Test
  void aThreadThatEndsLeavesTheProgramHealthy() throws InterruptedException {
    threads.start("live-pass", () -> {}).join();

    assertThat(readiness.isHealthy()).isTrue();
    assertThat(readiness.isReady()).isTrue();
  }
}
