// SPDX-License-Identifier: Apache-2.0
package io.meshlens.vitals;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class ReadinessTest {
  private final Readiness readiness = new Readiness();

  @Test
  void nothingHeldIsReady() {
    assertThat(readiness.isReady()).isTrue();
    assertThat(readiness.lines()).isEmpty();
  }

  @Test
  void readyOnlyWhenTheLastTokenIsReleased() {
    readiness.hold("kernel", "not attached");
    readiness.hold("config", "not read");

    readiness.release("kernel");
    assertThat(readiness.isReady()).isFalse();
    readiness.release("config");
    assertThat(readiness.isReady()).isTrue();
  }

  @Test
  void releaseOfAnotherTokenChangesNothing() {
    readiness.hold("kernel", "not attached");
    readiness.release("colonel");

    assertThat(readiness.isReady()).isFalse();
  }

  @Test
  void noteDoesNotKeepFromBeingReady() {
    readiness.note("btf", "missing");

    assertThat(readiness.isReady()).isTrue();
    assertThat(readiness.lines()).containsExactly("note: btf: missing");
  }

  @Test
  void clearedNoteIsGone() {
    readiness.note("btf", "missing");
    readiness.clearNote("btf");

    assertThat(readiness.lines()).isEmpty();
  }

  @Test
  void linesAreSortedTokensBeforeNotes() {
    readiness.note("a", "1");
    readiness.hold("c", "3");
    readiness.hold("b", "2");

    assertThat(readiness.lines()).containsExactly("waiting: b: 2", "waiting: c: 3", "note: a: 1");
  }
}
