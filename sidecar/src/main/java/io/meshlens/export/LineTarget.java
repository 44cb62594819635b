// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.vitals.Vital;

/**
 * Where chunks of whole lines go. All calls but those of constants belong to the writing thread.
 */
interface LineTarget extends AutoCloseable {
  /** Never: nothing is to be done between chunks. */
  long NEVER_MS = Long.MAX_VALUE;

  /** Writes whole lines, and counts each as written or lost. */
  void write(byte[] bytes, int lengthBytes, int lines);

  /** Nothing to write: the moment for what else is due. */
  void idle();

  /** How long may pass without a call, milliseconds. */
  long idleMs();

  /** What the lines come to, for messages: {@code stdout}. */
  String name();

  /** Counts lines for which no chunk was free. */
  Vital lostQueueFull();

  /** Counts lines that were not written in time at the end. */
  Vital lostAtEnd();

  @Override
  void close();
}
