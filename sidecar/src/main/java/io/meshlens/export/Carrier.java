// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.spool.Spool;
import io.meshlens.vitals.Vital;
import java.time.Duration;

/** Brings batches to a receiver and tells how that went. Owned by: one export thread. */
interface Carrier extends AutoCloseable {
  /** What became of all batches that were taken during one {@link #carry}. */
  sealed interface Outcome {
    /**
     * The receiver said that it has them.
     *
     * @param rejected records among them that it said it will never take
     */
    record Delivered(long rejected) implements Outcome {}

    /** The receiver read them and will never take them. */
    record Refused(String reason) implements Outcome {}

    /**
     * Nobody knows, or not yet: they are to be sent again.
     *
     * @param counter of such failures
     * @param pause until the next attempt is worth it
     */
    record Failed(Vital counter, String reason, Duration pause) implements Outcome {}
  }

  /** Takes at least one batch, which is there, and brings what it takes. */
  Outcome carry(Spool spool) throws InterruptedException;

  /** No more will come: what is under way may be confirmed early. */
  void end();

  /** Where to, for messages. */
  String target();

  @Override
  void close();
}
