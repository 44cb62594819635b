// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.libbpf.BpfMap;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** How many UDP flows and sockets are tracked. Safe for any thread; readers take turns. */
public final class UdpUse implements AutoCloseable {
  private final BpfMap use;
  private final int flowsEntry;
  private final int socketsEntry;
  private final ByteBuffer index = direct(Integer.BYTES);
  private final ByteBuffer number = direct(Long.BYTES);

  UdpUse(BpfMap use, int flowsEntry, int socketsEntry) {
    this.use = use;
    this.flowsEntry = flowsEntry;
    this.socketsEntry = socketsEntry;
  }

  private static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  public long flows() {
    return read(flowsEntry);
  }

  public long sockets() {
    return read(socketsEntry);
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
