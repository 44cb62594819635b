// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import io.meshlens.kernel.EventConsumer;
import io.meshlens.kernel.EventSwitches;
import io.meshlens.kernel.EventType;
import io.meshlens.libbpf.BpfMap;
import io.meshlens.libbpf.BpfObject;
import io.meshlens.libbpf.RingBuffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;

/** The program of bpf/src/test/c/event_load.bpf.c: emits as many events as it is asked to. */
final class EventLoad implements AutoCloseable {
  /** struct load_event: header and sequence. */
  static final EventType TYPE = new EventType(15, 16);

  private static final Path OBJECT = Path.of("../bpf/build/test/event_load.bpf.o");

  private final BpfObject object;
  private final RingBuffer ring;
  private final EventSwitches switches;

  EventLoad(int ringBytes) {
    object = BpfObject.open(OBJECT);
    object.setMaxEntries("records", ringBytes);
    object.load();
    try (BpfMap records = object.map("records")) {
      ring = RingBuffer.map(records);
    }
    switches = new EventSwitches(object);
  }

  RingBuffer ring() {
    return ring;
  }

  EventSwitches switches() {
    return switches;
  }

  /** Emits events with the sequences from {@code first} on, in this thread. */
  void emit(long first, long count) {
    run(first, count, 0);
  }

  /** Emits events that are only a header, and claim to be whole. */
  void emitTruncated(long count) {
    run(0, count, 1);
  }

  private void run(long first, long count, long truncated) {
    ByteBuffer load = ByteBuffer.allocateDirect(3 * Long.BYTES).order(ByteOrder.nativeOrder());
    load.putLong(first).putLong(count).putLong(truncated).flip();
    object.run("emit_events", load);
  }

  static long sequence(ByteBuffer data, int offset) {
    return data.getLong(offset + Long.BYTES);
  }

  /** A consumer that knows what it was handed, and in how many batches. */
  static final class Taken implements EventConsumer {
    long events;
    long batches;
    boolean inOrder = true;
    private long last = -1;

    @Override
    public void accept(ByteBuffer data, int offset) {
      long sequence = sequence(data, offset);
      inOrder &= sequence > last;
      last = sequence;
      events++;
    }

    @Override
    public void endBatch() {
      batches++;
    }
  }

  @Override
  public void close() {
    switches.close();
    ring.close();
    object.close();
  }
}
