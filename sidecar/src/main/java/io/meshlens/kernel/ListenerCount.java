// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.libbpf.BatchCursor;
import io.meshlens.libbpf.BpfMap;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** How full the kernel's map of listeners is. Safe for any thread; readers take turns. */
public final class ListenerCount implements AutoCloseable {
  private static final int BATCH = 512;

  private final BpfMap listeners;
  private final ByteBuffer keys;
  private final ByteBuffer values;

  ListenerCount(BpfMap listeners) {
    this.listeners = listeners;
    keys = direct(BATCH * listeners.keySize());
    values = direct(BATCH * listeners.valueSize());
  }

  private static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  /** Counts them. */
  public synchronized long used() {
    long used = 0;
    BatchCursor cursor = listeners.cursor();
    while (!cursor.done()) {
      used += listeners.lookupBatch(cursor, keys, values);
    }
    return used;
  }

  public int capacity() {
    return listeners.maxEntries();
  }

  @Override
  public synchronized void close() {
    listeners.close();
  }
}
