// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Maps that outlive the object that made them. */
@RequiresBpf
class BpfPinIT {
  private static final int RING_BYTES = 64 * 1024;

  private MountedBpfFileSystem files;

  @BeforeEach
  void mount() throws IOException {
    files = new MountedBpfFileSystem();
  }

  @AfterEach
  void unmount() throws IOException {
    files.close();
  }

  private BpfObject opened(String... pinnedMaps) {
    BpfObject object = BpfObject.open(Exercise.ELF);
    object.setMaxEntries("records", RING_BYTES);
    for (String map : pinnedMaps) {
      object.pinMap(map, files.path(map));
    }
    return object;
  }

  private BpfObject loaded(String... pinnedMaps) {
    BpfObject object = opened(pinnedMaps);
    object.load();
    return object;
  }

  private static int idOf(BpfObject object, String mapName) {
    try (BpfMap map = object.map(mapName)) {
      return map.id();
    }
  }

  private static void put(BpfObject object, String mapName, ByteBuffer key, ByteBuffer value) {
    try (BpfMap map = object.map(mapName)) {
      assertThat(map.update(key, value, UpdateMode.ANY)).isTrue();
    }
  }

  private static ByteBuffer got(BpfObject object, String mapName, ByteBuffer key) {
    try (BpfMap map = object.map(mapName)) {
      ByteBuffer value = Exercise.buffer(map.entryValueSize());
      assertThat(map.lookup(key, value)).isTrue();
      return value;
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"sockets", "locked_cells", "percpu_hashed", "records", "recent", "hashed"})
  void thePinnedMapIsCreatedOnceAndThenReused(String map) {
    int id;
    try (BpfObject first = loaded(map)) {
      id = idOf(first, map);
      assertThat(files.path(map)).exists();
    }
    assertThat(files.path(map)).exists();
    try (BpfObject second = loaded(map);
        BpfObject third = loaded(map)) {
      assertThat(List.of(idOf(second, map), idOf(third, map))).containsOnly(id);
    }
  }

  @Test
  void whatIsInAPinnedMapOutlivesTheObject() {
    String[] pinned = {"locked_cells", "percpu_hashed", "recent"};
    ByteBuffer perCpu = Exercise.buffer(8 * Libbpf.possibleCpus());
    for (int cpu = 0; cpu < Libbpf.possibleCpus(); cpu++) {
      perCpu.putInt(8 * cpu, 100 + cpu);
    }
    ByteBuffer cell = Exercise.buffer(16).putInt(4, 41).putInt(8, 42).putInt(12, 43);
    try (BpfObject first = loaded(pinned)) {
      put(first, "locked_cells", Exercise.ofInt(2), cell);
      put(first, "percpu_hashed", Exercise.ofLong(7), perCpu);
      put(first, "recent", Exercise.ofInt(5), Exercise.ofLong(55));
    }
    try (BpfObject second = loaded(pinned)) {
      assertThat(got(second, "locked_cells", Exercise.ofInt(2))).isEqualTo(cell);
      assertThat(got(second, "percpu_hashed", Exercise.ofLong(7))).isEqualTo(perCpu);
      assertThat(got(second, "recent", Exercise.ofInt(5))).isEqualTo(Exercise.ofLong(55));
    }
  }

  @Test
  void recordsOfAPinnedRingAreReadByTheNextObjectsReader() {
    try (BpfObject first = loaded("records")) {
      Exercise.produce(first, 1, 3, 0);
    }
    try (BpfObject second = loaded("records")) {
      Exercise.produce(second, 4, 2, 0);
      try (BpfMap records = second.map("records");
          RingBuffer ring = RingBuffer.map(records)) {
        long[] sum = {0};
        int polled = ring.poll((data, offset, length) -> sum[0] += data.getLong(offset), 100);
        assertThat(polled).isEqualTo(5);
        assertThat(sum[0]).isEqualTo(1 + 2 + 3 + 4 + 5);
      }
    }
  }

  @Test
  void aPinnedStorageKeepsWhatBelongsToOpenSockets() throws Exception {
    try (Cgroup cgroup = new Cgroup();
        BpfObject first = loaded("sockets")) {
      BpfLink marking = first.attachCgroup("mark_sockets", cgroup.directory());
      try (Connections open = new Connections(cgroup)) {
        marking.close();
        first.close();
        try (BpfObject second = loaded("sockets");
            BpfMap sockets = second.map("sockets");
            BpfMap recent = second.map("recent");
            BpfLink link = second.attachIterator("note_sockets", sockets);
            BpfIterator iterator = BpfIterator.open(link)) {
          iterator.run();
          assertThat(Exercise.entries(recent)).isEqualTo(open.portsToThemselves());
        }
      }
    }
  }

  @Test
  void mapsThatAreNotPinnedAreNewInEachObject() {
    try (BpfObject first = loaded("recent");
        BpfObject second = loaded("recent")) {
      put(first, "hashed", Exercise.ofInt(1), Exercise.ofLong(1));
      try (BpfMap hashed = second.map("hashed")) {
        assertThat(hashed.lookup(Exercise.ofInt(1), Exercise.buffer(8))).isFalse();
      }
      assertThat(idOf(first, "recent")).isEqualTo(idOf(second, "recent"));
      assertThat(idOf(first, "locked_cells")).isNotEqualTo(idOf(second, "locked_cells"));
      assertThat(files.path("hashed")).doesNotExist();
    }
  }

  private void assertRefusedAsUnfit(BpfObject object, String pin) {
    assertThatThrownBy(object::load)
        .isInstanceOfSatisfying(
            BpfException.class,
            e -> {
              assertThat(e.errnoName()).isEqualTo("EINVAL");
              assertThat(e.log()).contains(files.path(pin).toString(), "parameter mismatch");
            })
        .hasMessageStartingWith("load " + Exercise.ELF + ": EINVAL (Invalid argument)")
        .hasMessageContaining("parameter mismatch");
  }

  @Test
  void aPinnedMapOfAnotherSizeIsRefusedAndKept() {
    int id;
    try (BpfObject first = loaded("hashed", "records")) {
      id = idOf(first, "hashed");
    }
    try (BpfObject larger = opened("hashed")) {
      larger.setMaxEntries("hashed", 17);
      assertRefusedAsUnfit(larger, "hashed");
    }
    try (BpfObject larger = opened("records")) {
      larger.setMaxEntries("records", 2 * RING_BYTES);
      assertRefusedAsUnfit(larger, "records");
    }
    try (BpfObject fitting = loaded("hashed", "records")) {
      assertThat(idOf(fitting, "hashed")).isEqualTo(id);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "lru_hash, 4, 8, 16, 0",
    "hash,     8, 8, 16, 0",
    "hash,     4, 4, 16, 0",
    "hash,     4, 8, 17, 0",
    "hash,     4, 8, 16, 1",
  })
  void aPinnedMapThatDiffersInOneThingIsRefused(
      String type, String key, String value, String entries, String flags) throws IOException {
    // The object's is a hash, 4, 8, 16, 0.
    String create = "bpftool map create %s type %s key %s value %s entries %s flags %s name other";
    create = create.formatted(files.path("hashed"), type, key, value, entries, flags);
    Command.run(create.split(" ", -1));
    try (BpfObject object = opened("hashed")) {
      assertRefusedAsUnfit(object, "hashed");
    }
  }

  @Test
  void aLoadThatFailsRemovesThePinsItMadeAndNoOthers() throws IOException {
    Path ours = files.path("cells");
    try (BpfObject refused = BpfObject.open(Exercise.REFUSED_ELF)) {
      refused.pinMap("cells", ours);
      assertThatThrownBy(refused::load).hasMessageContaining("reads_unchecked");
    }
    assertThat(ours).doesNotExist();

    try (BpfObject sound = BpfObject.open(Exercise.REFUSED_ELF)) {
      sound.disable("reads_unchecked");
      sound.pinMap("cells", ours);
      sound.load();
    }
    try (BpfObject refused = BpfObject.open(Exercise.REFUSED_ELF)) {
      refused.pinMap("cells", ours);
      assertThatThrownBy(refused::load).hasMessageContaining("reads_unchecked");
    }
    assertThat(ours).exists();
    Files.delete(ours);
  }

  @Test
  void aPathOffTheBpfFileSystemIsRefused(@TempDir Path elsewhere) {
    try (BpfObject object = opened()) {
      object.pinMap("hashed", elsewhere.resolve("hashed"));
      assertThatThrownBy(object::load)
          .isInstanceOf(BpfException.class)
          .hasMessageContaining("not on BPF FS");
    }
    assertThat(elsewhere).isEmptyDirectory();
  }

  @Test
  void pinsAreNamedBeforeLoadForMapsThatThereAre() {
    try (BpfObject object = opened()) {
      assertThatThrownBy(() -> object.pinMap("nothing", files.path("x")))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no map nothing");
      object.load();
      assertThatThrownBy(() -> object.pinMap("hashed", files.path("x")))
          .isInstanceOf(IllegalStateException.class);
    }
  }
}
