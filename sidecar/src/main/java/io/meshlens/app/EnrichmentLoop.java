// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.kernel.Enrichment;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The thread directory-watch: finds containers and namespaces soon after their first connection.
 */
final class EnrichmentLoop implements Runnable {
  private static final long PAUSE_MS = 200;

  /** Also without a connection of an unknown one: namespaces come without new cgroups. */
  private static final int REFRESH_EVERY_PAUSES = 50;

  private final Enrichment enrichment;
  private final Runnable onRefresh;
  private final CountDownLatch ending = new CountDownLatch(1);

  /**
   * Nothing is looked at before {@link #run}.
   *
   * @param onRefresh what else is looked at every ten seconds
   */
  EnrichmentLoop(Enrichment enrichment, Runnable onRefresh) {
    this.enrichment = enrichment;
    this.onRefresh = onRefresh;
  }

  void end() {
    ending.countDown();
  }

  @Override
  public void run() {
    int pauses = 0;
    while (!isEnding()) {
      boolean due = ++pauses % REFRESH_EVERY_PAUSES == 0;
      if (due || enrichment.isRefreshWanted()) {
        enrichment.refresh();
      }
      if (due) {
        onRefresh.run();
      }
    }
  }

  private boolean isEnding() {
    try {
      return ending.await(PAUSE_MS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    }
  }
}
