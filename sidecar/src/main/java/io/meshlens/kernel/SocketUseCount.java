// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.libbpf.BpfMap;
import io.meshlens.libbpf.UpdateMode;
import io.meshlens.wire.WireCodes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Owned by: one live pass at a time. The map socket_use: what a pass counts, and by how much the
 * programs' own count of storage has drifted since sockets go without a word.
 */
final class SocketUseCount implements AutoCloseable {
  private final BpfMap use;
  private final ByteBuffer index = direct(Integer.BYTES);
  private final ByteBuffer number = direct(Long.BYTES);
  private long overflowBefore;

  SocketUseCount(BpfMap use) {
    this.use = use;
  }

  private static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  void beforePass() {
    write(WireCodes.SOCKET_USE_SLOTS_SEEN, 0);
    write(WireCodes.SOCKET_USE_OVERFLOW_SEEN, 0);
    overflowBefore = read(WireCodes.SOCKET_USE_OVERFLOW);
  }

  SocketUse afterPass() {
    long overflow = read(WireCodes.SOCKET_USE_OVERFLOW_SEEN);
    write(WireCodes.SOCKET_USE_OVERFLOW_STALE, overflowBefore - overflow);
    return new SocketUse(read(WireCodes.SOCKET_USE_SLOTS_SEEN), overflow);
  }

  private long read(int entry) {
    index.putInt(0, entry);
    return use.lookup(index, number) ? number.getLong(0) : 0;
  }

  private void write(int entry, long value) {
    index.putInt(0, entry);
    number.putLong(0, value);
    use.update(index, number, UpdateMode.ANY);
  }

  @Override
  public void close() {
    use.close();
  }
}
