// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.libbpf.BpfMap;
import io.meshlens.libbpf.UpdateMode;
import io.meshlens.wire.WireCodes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * How many UDP flows a live pass found, and how many sockets are known. Safe for any thread;
 * readers take turns.
 */
public final class UdpUse implements AutoCloseable {
  private final BpfMap use;
  private final ByteBuffer index = direct(Integer.BYTES);
  private final ByteBuffer number = direct(Long.BYTES);
  private volatile long flows;

  UdpUse(BpfMap use) {
    this.use = use;
  }

  private static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  synchronized void beforePass() {
    index.putInt(0, WireCodes.UDP_USE_FLOWS_SEEN);
    number.putLong(0, 0);
    use.update(index, number, UpdateMode.ANY);
  }

  void afterPass() {
    flows = read(WireCodes.UDP_USE_FLOWS_SEEN);
  }

  /** At the last live pass. */
  public long flows() {
    return flows;
  }

  public long sockets() {
    return read(WireCodes.UDP_USE_SOCKETS);
  }

  private synchronized long read(int entry) {
    index.putInt(0, entry);
    return use.lookup(index, number) ? number.getLong(0) : 0;
  }

  @Override
  public synchronized void close() {
    use.close();
  }
}
