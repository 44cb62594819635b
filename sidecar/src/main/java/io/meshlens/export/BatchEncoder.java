// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.flow.Connection;
import io.meshlens.spool.Batch;

/** Connections as one message of a protocol. Owned by: one spool-writer. */
interface BatchEncoder {
  void add(Connection connection);

  /** Added since the last {@link #finish}. */
  int records();

  /** What the message would take now. */
  int sizeBytes();

  /** The message; the next one begins. */
  Batch finish();
}
