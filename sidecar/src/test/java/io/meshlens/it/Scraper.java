// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Scrapes without a pause while a test goes on, and notes what no counter may do: fall. */
final class Scraper implements AutoCloseable {
  private final SidecarProcess sidecar;
  private final Thread thread;
  private final List<String> falls = new ArrayList<>();
  private int scrapes;
  private volatile boolean ending;

  Scraper(SidecarProcess sidecar) {
    this.sidecar = sidecar;
    thread = Thread.ofVirtual().start(this::scrape);
  }

  private void scrape() {
    Map<String, Long> before = Map.of();
    try {
      while (!ending) {
        Map<String, Long> now = MetricsPage.of(sidecar).samples();
        before.forEach((series, value) -> compare(series, value, now.getOrDefault(series, -1L)));
        before = now;
        scrapes++;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void compare(String series, long before, long now) {
    if (series.contains("_total") && now < before) {
      falls.add("%s from %d to %d".formatted(series, before, now));
    }
  }

  /** How often, with nothing noted. */
  int scrapes() throws InterruptedException {
    close();
    if (!falls.isEmpty()) {
      throw new AssertionError("counters fell: " + falls);
    }
    return scrapes;
  }

  @Override
  public void close() throws InterruptedException {
    ending = true;
    thread.join();
  }
}
