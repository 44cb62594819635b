// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/** The BPF objects of these tests, and buffers to talk to them with. */
final class Exercise {
  static final Path ELF = object("exercise.bpf.o");
  static final Path REFUSED_ELF = object("refused.bpf.o");

  private Exercise() {}

  private static Path object(String name) {
    String directory = System.getProperty("native.test.objects");
    return Path.of(Objects.requireNonNull(directory, "native.test.objects"), name);
  }

  static BpfObject loaded() {
    return loaded(256 * 1024);
  }

  static BpfObject loaded(int ringBytes) {
    BpfObject object = BpfObject.open(ELF);
    object.setMaxEntries("records", ringBytes);
    object.setMaxEntries("hashed", 10_007);
    object.load();
    return object;
  }

  /** Has the kernel write records first, first + 1 and so on. */
  static void produce(BpfObject object, long first, int count, int discardEvery) {
    ByteBuffer context = buffer(16);
    context.putLong(0, first).putInt(8, count).putInt(12, discardEvery);
    long returned = object.run("produce", context);
    if (returned != 42) {
      throw new AssertionError("produce returned " + returned);
    }
  }

  static long counted(BpfObject object, int index) {
    try (BpfMap counts = object.map("counts")) {
      ByteBuffer value = buffer(8);
      if (!counts.lookup(ofInt(index), value)) {
        throw new AssertionError("no cell " + index);
      }
      return value.getLong(0);
    }
  }

  /** All of a map of int to long. */
  static Map<Integer, Long> entries(BpfMap map) {
    Map<Integer, Long> entries = new HashMap<>();
    ByteBuffer keys = buffer(4 * 100);
    ByteBuffer values = buffer(8 * 100);
    BatchCursor cursor = map.cursor();
    while (!cursor.done()) {
      int count = map.lookupBatch(cursor, keys, values);
      for (int i = 0; i < count; i++) {
        entries.put(keys.getInt(4 * i), values.getLong(8 * i));
      }
    }
    return entries;
  }

  static ByteBuffer ofInt(int value) {
    return buffer(4).putInt(0, value);
  }

  static ByteBuffer ofLong(long value) {
    return buffer(8).putLong(0, value);
  }

  static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }
}
