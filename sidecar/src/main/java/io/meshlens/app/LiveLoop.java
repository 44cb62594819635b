// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.accesslog.PeriodicRounds;
import io.meshlens.kernel.LivePass;
import io.meshlens.kernel.MonoClock;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The thread live-pass: looks at the open connections now and then, also when nobody reads metrics,
 * so that periodic records are made and slots of sockets that are gone are freed.
 */
final class LiveLoop implements Runnable {
  private static final long INTERVAL_NS = TimeUnit.SECONDS.toNanos(10);

  private final LivePass pass;
  private final PeriodicRounds rounds;
  private final MonoClock clock;
  private final Vitals vitals;
  private final Log log;
  private final CountDownLatch ending = new CountDownLatch(1);

  /**
   * Nothing is looked at before {@link #run}.
   *
   * @param rounds when periodic records are due
   */
  LiveLoop(LivePass pass, PeriodicRounds rounds, MonoClock clock, Vitals vitals, Log log) {
    this.pass = pass;
    this.rounds = rounds;
    this.clock = clock;
    this.vitals = vitals;
    this.log = log;
  }

  void end() {
    ending.countDown();
  }

  @Override
  public void run() {
    // At once: what is tracked already counts towards kernel.max_sockets.
    look(false);
    while (!isEnding(pauseNs())) {
      OptionalLong nextNs = rounds.nextMonoNs();
      boolean withRecords = nextNs.isPresent() && clock.nowMonoNs() >= nextNs.getAsLong();
      if (withRecords) {
        rounds.begin(clock.nowMonoNs());
      }
      look(withRecords);
    }
  }

  private long pauseNs() {
    OptionalLong nextNs = rounds.nextMonoNs();
    return nextNs.isPresent()
        ? Math.clamp(nextNs.getAsLong() - clock.nowMonoNs(), 1, INTERVAL_NS)
        : INTERVAL_NS;
  }

  private void look(boolean withRecords) {
    try {
      if (withRecords) {
        pass.runWithRecords();
      } else {
        pass.run();
      }
    } catch (RuntimeException e) {
      vitals.increment(Vital.LIVE_PASSES_FAILED);
      log.warnRepeated("live-pass", "cannot look at the open connections: " + e);
    }
  }

  private boolean isEnding(long pauseNs) {
    try {
      return ending.await(pauseNs, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    }
  }
}
