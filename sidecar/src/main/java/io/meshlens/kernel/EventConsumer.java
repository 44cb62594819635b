// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import java.nio.ByteBuffer;

/** Takes the events of one type from the {@link EventChannel}, in its thread. */
public interface EventConsumer {
  /**
   * Takes one event of a batch. It is read in place, by absolute reads: what is to be kept must be
   * copied before this returns.
   *
   * @param data the ring's memory, in native order
   * @param offset where in {@code data} the event begins, with its record_header
   */
  void accept(ByteBuffer data, int offset);

  /** The events since the last call are a batch; called only when there was one. */
  void endBatch();
}
