// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.spool.LossCause;
import io.meshlens.spool.Losses;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;

/** Counts what a spool gives up, and says so. */
final class SpoolLosses implements Losses {
  private final DeliveryVitals counters;
  private final String name;
  private final Vitals vitals;
  private final Log log;

  /**
   * @param name of the way out, for messages
   */
  SpoolLosses(DeliveryVitals counters, String name, Vitals vitals, Log log) {
    this.counters = counters;
    this.name = name;
    this.vitals = vitals;
    this.log = log;
  }

  @Override
  public void lost(LossCause cause, long records) {
    if (records == 0) {
      return;
    }
    Vital vital =
        switch (cause) {
          case OLDEST_DROPPED -> counters.lostOldest();
          case NEWEST_DROPPED -> counters.lostNewest();
          case UNREADABLE -> counters.lostUnreadable();
          case CLOSED -> counters.lostShutdown();
        };
    vitals.add(vital, records);
    String what =
        switch (cause) {
          case OLDEST_DROPPED -> "is away or too slow: the oldest records are being dropped";
          case NEWEST_DROPPED -> "is away or too slow: new records are being dropped";
          case UNREADABLE -> "misses %d records that the spool cannot read back".formatted(records);
          case CLOSED -> "did not get %d records in time".formatted(records);
        };
    log.warnRepeated(name + cause, name + " " + what);
  }

  @Override
  public void failed(String what) {
    vitals.increment(counters.spoolFailed());
    log.warnRepeated(name + "-spool", what);
  }
}
