// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.flow.Connection;
import io.meshlens.spool.Batch;

/**
 * Connections as a {@code StreamAccessLogsMessage} without its identifier, which belongs to the
 * stream. Owned by: spool-writer-als.
 */
final class AlsEncoder implements BatchEncoder {
  private static final int EXPECTED_BYTES = 64 << 10;

  private final AlsBatch message;

  AlsEncoder(AlsMapping mapping) {
    message = new AlsBatch(mapping, EXPECTED_BYTES);
  }

  @Override
  public void add(Connection connection) {
    message.add(connection);
  }

  @Override
  public int records() {
    return message.entries();
  }

  @Override
  public int sizeBytes() {
    return message.sizeBytes();
  }

  @Override
  public Batch finish() {
    Batch batch = new Batch(message.toByteArray(), message.entries());
    message.clear();
    return batch;
  }
}
