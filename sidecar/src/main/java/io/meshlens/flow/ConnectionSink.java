// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

/** Takes connections from the ring reader. Both calls run on its thread and must never block. */
public interface ConnectionSink {
  /** One connection, valid until the call returns. */
  void accept(Connection connection);

  /** No more connections for now: hand over what was gathered. */
  void endBatch();
}
