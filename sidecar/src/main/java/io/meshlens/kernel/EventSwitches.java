// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.libbpf.BpfMap;
import io.meshlens.libbpf.BpfObject;
import io.meshlens.libbpf.UpdateMode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** What the kernel side emits (map events_enabled), and what of it was lost (events_lost). */
public final class EventSwitches implements AutoCloseable {
  private final BpfMap enabled;
  private final BpfMap lost;
  private final ByteBuffer key = direct(Integer.BYTES);
  private final ByteBuffer value = direct(Integer.BYTES);
  private final ByteBuffer lostValues;

  /** Of a loaded object with the maps of bpf/include/maps.bpf.h. */
  public EventSwitches(BpfObject object) {
    enabled = object.map("events_enabled");
    lost = object.map("events_lost");
    lostValues = direct(lost.entryValueSize());
  }

  private static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  /** From now on the kernel side emits such events; what it saw before is not made up for. */
  public synchronized void enable(EventType type) {
    set(type, 1);
  }

  /** The kernel side emits no more of them; programs that run just now may still do. */
  public synchronized void disable(EventType type) {
    set(type, 0);
  }

  private void set(EventType type, int on) {
    key.putInt(0, type.kind());
    value.putInt(0, on);
    enabled.update(key, value, UpdateMode.ANY);
  }

  /** Events that found the ring full, since the map was made. */
  public synchronized long lost(EventType type) {
    key.putInt(0, type.kind());
    long total = 0;
    if (lost.lookup(key, lostValues)) {
      for (int at = 0; at < lostValues.capacity(); at += Long.BYTES) {
        total += lostValues.getLong(at);
      }
    }
    return total;
  }

  @Override
  public synchronized void close() {
    enabled.close();
    lost.close();
  }
}
