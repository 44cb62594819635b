// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.NetworkInterface;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@RequiresBpf
class BpfMapIT {
  private BpfObject object;

  @BeforeEach
  void open() {
    object = Exercise.loaded();
  }

  @AfterEach
  void close() {
    object.close();
  }

  private static void fill(BpfMap map, int entries) {
    for (int i = 0; i < entries; i++) {
      map.update(Exercise.ofInt(i), Exercise.ofLong(7L * i), UpdateMode.CREATE);
    }
  }

  /** Reads a whole map of int to long, and insists on meeting each key once. */
  private static Map<Integer, Long> readAll(BpfMap map, BatchCursor cursor, int batch) {
    Map<Integer, Long> entries = new HashMap<>();
    ByteBuffer keys = Exercise.buffer(4 * batch);
    ByteBuffer values = Exercise.buffer(8 * batch);
    while (!cursor.done()) {
      int count = map.lookupBatch(cursor, keys, values);
      for (int i = 0; i < count; i++) {
        assertThat(entries.put(keys.getInt(4 * i), values.getLong(8 * i))).isNull();
      }
    }
    assertThat(map.lookupBatch(cursor, keys, values)).isZero();
    return entries;
  }

  private static void assertSevenfold(Map<Integer, Long> entries, int size) {
    assertThat(entries).hasSize(size);
    assertThat(entries).allSatisfy((key, value) -> assertThat(value).isEqualTo(7L * key));
  }

  @Test
  void factsAreThoseOfTheKernel() {
    try (BpfMap hashed = object.map("hashed");
        BpfMap cells = object.map("percpu_hashed");
        BpfMap records = object.map("records")) {
      assertThat(hashed.name()).isEqualTo("hashed");
      assertThat(hashed.type()).isEqualTo(MapType.HASH.kernelId());
      assertThat(hashed.keySize()).isEqualTo(4);
      assertThat(hashed.valueSize()).isEqualTo(8);
      assertThat(hashed.entryValueSize()).isEqualTo(8);
      assertThat(hashed.maxEntries()).isEqualTo(10_007);
      assertThat(hashed.id()).isPositive().isNotEqualTo(records.id());
      assertThat(cells.valueSize()).isEqualTo(4);
      assertThat(cells.perCpuValueSize()).isEqualTo(8);
      assertThat(cells.entryValueSize()).isEqualTo(8 * Libbpf.possibleCpus());
      assertThat(records.type()).isEqualTo(MapType.RINGBUF.kernelId());
    }
  }

  @Test
  void entriesAreCreatedReplacedReadAndDeleted() {
    try (BpfMap map = object.map("hashed")) {
      ByteBuffer key = Exercise.ofInt(11);
      ByteBuffer value = Exercise.buffer(8);

      assertThat(map.lookup(key, value)).isFalse();
      assertThat(map.update(key, Exercise.ofLong(1), UpdateMode.REPLACE)).isFalse();
      assertThat(map.update(key, Exercise.ofLong(2), UpdateMode.CREATE)).isTrue();
      assertThat(map.update(key, Exercise.ofLong(3), UpdateMode.CREATE)).isFalse();
      assertThat(map.lookup(key, value)).isTrue();
      assertThat(value.getLong(0)).isEqualTo(2);
      assertThat(map.update(key, Exercise.ofLong(4), UpdateMode.REPLACE)).isTrue();
      assertThat(map.update(key, Exercise.ofLong(5), UpdateMode.ANY)).isTrue();
      assertThat(map.lookup(key, value)).isTrue();
      assertThat(value.getLong(0)).isEqualTo(5);
      assertThat(map.delete(key)).isTrue();
      assertThat(map.delete(key)).isFalse();
    }
  }

  @Test
  void positionsOfBuffersAreHeeded() {
    try (BpfMap map = object.map("hashed")) {
      ByteBuffer both = Exercise.buffer(24).putInt(4, 77).putLong(8, 99);
      map.update(both.slice(4, 4).order(both.order()), both.limit(16).position(8), UpdateMode.ANY);

      both.limit(24).position(16);
      assertThat(map.lookup(Exercise.ofInt(77), both)).isTrue();
      assertThat(both.getLong(16)).isEqualTo(99);
      assertThat(both.position()).isEqualTo(16);
    }
  }

  @Test
  void buffersOfTheWrongKindAreRefused() {
    try (BpfMap map = object.map("hashed")) {
      ByteBuffer value = Exercise.buffer(8);

      assertThatThrownBy(() -> map.lookup(Exercise.buffer(5), value))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("map hashed: key has 5 bytes, expected 4");
      assertThatThrownBy(() -> map.lookup(ByteBuffer.allocate(4), value))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> map.lookup(ByteBuffer.allocateDirect(4), value))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("native order");
      assertThatThrownBy(() -> map.lookupBatch(map.cursor(), Exercise.buffer(3), value))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void aFullMapIsAnError() {
    try (BpfMap map = object.map("counts")) {
      assertThatThrownBy(() -> map.update(Exercise.ofInt(5), Exercise.ofLong(0), UpdateMode.ANY))
          .isInstanceOf(BpfException.class)
          .hasMessageStartingWith("update map counts: E2BIG");
    }
  }

  @Test
  void batchesReadEachEntryOnce() {
    try (BpfMap map = object.map("hashed")) {
      fill(map, 10_007);
      BatchCursor cursor = map.cursor();

      assertSevenfold(readAll(map, cursor, 509), 10_007);
      cursor.rewind();
      assertSevenfold(readAll(map, cursor, 20_000), 10_007);
      assertThat(cursor.truncated()).isFalse();
    }
  }

  @Test
  void bucketsThatDoNotFitTheBuffersAreHandedOutInParts() {
    try (BpfMap map = object.map("hashed")) {
      fill(map, 10_007);

      assertSevenfold(readAll(map, map.cursor(), 1), 10_007);
    }
  }

  @Test
  void anEmptyMapIsDoneAtOnce() {
    try (BpfMap map = object.map("hashed")) {
      assertThat(readAll(map, map.cursor(), 16)).isEmpty();
    }
  }

  @Test
  void aMapWithoutBatchesIsWalked() throws IOException {
    int loopback = NetworkInterface.getByName("lo").getIndex();
    try (BpfMap map = object.map("devices")) {
      for (int i = 0; i < 101; i++) {
        map.update(Exercise.ofInt(i), Exercise.ofInt(loopback), UpdateMode.CREATE);
      }
      BatchCursor cursor = map.cursor();
      ByteBuffer keys = Exercise.buffer(4 * 13);
      ByteBuffer values = Exercise.buffer(4 * 13);
      int total = 0;
      int keySum = 0;
      while (!cursor.done()) {
        int count = map.lookupBatch(cursor, keys, values);
        for (int i = 0; i < count; i++) {
          keySum += keys.getInt(4 * i);
          assertThat(values.getInt(4 * i)).isEqualTo(loopback);
        }
        total += count;
      }
      assertThat(total).isEqualTo(101);
      assertThat(keySum).isEqualTo(100 * 101 / 2);
    }
  }

  @Test
  void aWalkReadsEachEntryThatStaysOnceWhileOthersComeAndGo() throws InterruptedException {
    try (BpfMap map = object.map("hashed")) {
      fill(map, 5_003);
      AtomicBoolean stop = new AtomicBoolean();
      Thread churn = Thread.ofPlatform().start(() -> churn(map, stop));
      for (int pass = 0; pass < 20; pass++) {
        BatchCursor cursor = map.cursor();
        cursor.walkKeys();
        Map<Integer, Long> entries = readAll(map, cursor, 251);
        entries.keySet().removeIf(key -> key >= 5_003);
        if (!cursor.truncated()) {
          assertSevenfold(entries, 5_003);
        }
      }
      stop.set(true);
      churn.join();
    }
  }

  private static void churn(BpfMap map, AtomicBoolean stop) {
    while (!stop.get()) {
      for (int i = 6_000; i < 7_000; i++) {
        map.update(Exercise.ofInt(i), Exercise.ofLong(7L * i), UpdateMode.ANY);
      }
      for (int i = 6_000; i < 7_000; i++) {
        map.delete(Exercise.ofInt(i));
      }
    }
  }

  @Test
  void valuesOfEveryCpuAreReadSinglyAndInBatches() {
    int cpus = Libbpf.possibleCpus();
    try (BpfMap map = object.map("percpu_hashed")) {
      for (int i = 0; i < 997; i++) {
        ByteBuffer value = Exercise.buffer(8 * cpus);
        for (int cpu = 0; cpu < cpus; cpu++) {
          value.putInt(8 * cpu, 1000 * cpu + i);
        }
        map.update(Exercise.ofLong(i), value, UpdateMode.CREATE);
      }
      ByteBuffer one = Exercise.buffer(8 * cpus);
      assertThat(map.lookup(Exercise.ofLong(5), one)).isTrue();
      assertThat(one.getInt(8 * (cpus - 1))).isEqualTo(1000 * (cpus - 1) + 5);

      ByteBuffer keys = Exercise.buffer(8 * 101);
      ByteBuffer values = Exercise.buffer(8 * cpus * 101);
      BatchCursor cursor = map.cursor();
      int total = 0;
      while (!cursor.done()) {
        int count = map.lookupBatch(cursor, keys, values);
        for (int i = 0; i < count; i++) {
          for (int cpu = 0; cpu < cpus; cpu++) {
            assertThat((long) values.getInt(8 * (cpus * i + cpu)))
                .isEqualTo(1000L * cpu + keys.getLong(8 * i));
          }
        }
        total += count;
      }
      assertThat(total).isEqualTo(997);
    }
  }

  @Test
  void anArrayPerCpuIsReadInBatches() {
    try (BpfMap map = object.map("percpu_cells")) {
      ByteBuffer keys = Exercise.buffer(4 * 5);
      ByteBuffer values = Exercise.buffer(map.entryValueSize() * 5);
      BatchCursor cursor = map.cursor();
      int total = 0;
      while (!cursor.done()) {
        total += map.lookupBatch(cursor, keys, values);
      }
      assertThat(total).isEqualTo(7);
    }
  }

  @Test
  void aRingHasNoEntries() {
    try (BpfMap records = object.map("records")) {
      assertThatThrownBy(records::cursor).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void aPinnedMapIsTheSameMapAndUnpinRemovesTheFile() throws IOException {
    try (MountedBpfFileSystem files = new MountedBpfFileSystem();
        BpfMap map = object.map("percpu_hashed")) {
      map.pin(files.path("pinned"));
      try (BpfMap pinned = BpfMap.openPinned(files.path("pinned"))) {
        assertThat(pinned.id()).isEqualTo(map.id());
        assertThat(pinned.name()).isEqualTo("percpu_hashed");
        assertThat(pinned.entryValueSize()).isEqualTo(map.entryValueSize());
      }
      map.unpin(files.path("pinned"));
      assertThat(Files.exists(files.path("pinned"))).isFalse();
      assertThatThrownBy(() -> BpfMap.openPinned(files.path("pinned")))
          .isInstanceOf(BpfException.class)
          .hasMessageContaining("ENOENT");
    }
  }
}
