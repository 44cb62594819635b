// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.vitals.Vital;

/** The counters of one way out. */
record DeliveryVitals(
    Vital delivered,
    Vital resent,
    Vital spoolFailed,
    Vital lostQueueFull,
    Vital lostOldest,
    Vital lostNewest,
    Vital lostUnreadable,
    Vital lostRejected,
    Vital lostShutdown,
    Vital failedError) {
  static final DeliveryVitals ALS =
      new DeliveryVitals(
          Vital.ALS_ENTRIES_DELIVERED,
          Vital.ALS_ENTRIES_RESENT,
          Vital.ALS_SPOOL_FAILED,
          Vital.ALS_ENTRIES_LOST_QUEUE_FULL,
          Vital.ALS_ENTRIES_LOST_OLDEST,
          Vital.ALS_ENTRIES_LOST_NEWEST,
          Vital.ALS_ENTRIES_LOST_UNREADABLE,
          Vital.ALS_ENTRIES_LOST_REJECTED,
          Vital.ALS_ENTRIES_LOST_SHUTDOWN,
          Vital.ALS_STREAMS_FAILED);

  static final DeliveryVitals OTLP =
      new DeliveryVitals(
          Vital.OTLP_LOGS_DELIVERED,
          Vital.OTLP_LOGS_RESENT,
          Vital.OTLP_LOG_SPOOL_FAILED,
          Vital.OTLP_LOGS_LOST_QUEUE_FULL,
          Vital.OTLP_LOGS_LOST_OLDEST,
          Vital.OTLP_LOGS_LOST_NEWEST,
          Vital.OTLP_LOGS_LOST_UNREADABLE,
          Vital.OTLP_LOGS_LOST_REJECTED,
          Vital.OTLP_LOGS_LOST_SHUTDOWN,
          Vital.OTLP_LOGS_FAILED_ERROR);
}
