// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@RequiresBpf
class BpfIteratorIT {
  private static final Path THIS_THREADS = Path.of("/proc/thread-self/ns/net");

  private BpfObject object;

  @BeforeEach
  void open() {
    object = Exercise.loaded();
  }

  @AfterEach
  void close() {
    object.close();
  }

  private static long passOf(BpfLink link) {
    try (BpfIterator iterator = BpfIterator.open(link)) {
      return iterator.run();
    }
  }

  @Test
  void aPassOverAMapsEntriesVisitsEachAndMayWriteNothing() {
    try (BpfMap hashed = object.map("hashed");
        BpfMap recent = object.map("recent")) {
      for (int key = 1; key <= 5; key++) {
        hashed.update(Exercise.ofInt(key), Exercise.ofLong(10L * key), UpdateMode.CREATE);
      }
      try (BpfLink link = object.attachIterator("double_entries", hashed)) {
        assertThat(passOf(link)).isZero();
        assertThat(Exercise.entries(recent))
            .isEqualTo(Map.of(1, 20L, 2, 40L, 3, 60L, 4, 80L, 5, 100L));

        hashed.update(Exercise.ofInt(6), Exercise.ofLong(7), UpdateMode.CREATE);
        assertThat(passOf(link)).isZero();
        assertThat(Exercise.entries(recent)).hasSize(6).containsEntry(6, 14L);
      }
    }
  }

  @Test
  void aMapOfAnotherObjectCanBeVisited() {
    BpfLink link;
    try (BpfObject other = Exercise.loaded();
        BpfMap hashed = other.map("hashed")) {
      hashed.update(Exercise.ofInt(8), Exercise.ofLong(4), UpdateMode.CREATE);
      link = object.attachIterator("double_entries", hashed);
    }
    try (BpfMap recent = object.map("recent")) {
      assertThat(passOf(link)).isZero();
      assertThat(Exercise.entries(recent)).isEqualTo(Map.of(8, 8L));
    }
    link.close();
  }

  @Test
  void aPassOverAStorageMapVisitsTheSocketsThatHaveAnEntry() throws Exception {
    try (Cgroup cgroup = new Cgroup();
        BpfMap sockets = object.map("sockets");
        BpfMap recent = object.map("recent");
        BpfLink marking = object.attachCgroup("mark_sockets", cgroup.directory());
        BpfLink link = object.attachIterator("note_sockets", sockets)) {
      assertThat(passOf(link)).isZero();
      assertThat(Exercise.entries(recent)).isEmpty();
      try (Connections open = new Connections(cgroup)) {
        assertThat(passOf(link)).isZero();
        assertThat(Exercise.entries(recent)).isEqualTo(open.portsToThemselves());
      }
    }
  }

  @Test
  void aMapThatTheProgramCannotVisitIsRefused() {
    try (BpfMap records = object.map("records");
        BpfMap sockets = object.map("sockets");
        BpfMap hashed = object.map("hashed")) {
      assertThatThrownBy(() -> object.attachIterator("double_entries", records))
          .isInstanceOf(BpfException.class)
          .hasMessageStartingWith("attach double_entries as an iterator over map records: EINVAL");
      assertThatThrownBy(() -> object.attachIterator("double_entries", sockets))
          .hasMessageContaining("EINVAL");
      assertThatThrownBy(() -> object.attachIterator("note_sockets", hashed))
          .hasMessageContaining("EINVAL");
    }
  }

  @Test
  void aPassIsDroppedFromWhereReadingStopped() {
    try (BpfLink link = object.attachIterator("list_maps");
        BpfIterator iterator = BpfIterator.open(link)) {
      ByteBuffer one = Exercise.buffer(4);
      assertThat(iterator.read(one)).isEqualTo(4);
      assertThat(iterator.run()).isPositive().matches(bytes -> bytes % 4 == 0);
      assertThat(iterator.run()).isZero();
      assertThat(iterator.read(one.clear())).isZero();
    }
  }

  @Test
  void socketsOfAnotherNetworkNamespaceAreVisited() throws Exception {
    long here = NetworkNamespace.number(THIS_THREADS);
    try (NetworkNamespace namespace = new NetworkNamespace();
        ChildProcess listener = namespace.listen(3);
        ServerSocket ours = new ServerSocket(0);
        BpfMap recent = object.map("recent");
        BpfLink link = object.attachIterator("note_listeners")) {
      long there = NetworkNamespace.number(namespace.path());
      Map<Integer, Long> listeners = new HashMap<>();
      for (int i = 0; i < 3; i++) {
        listeners.put(Integer.parseInt(listener.readLine()), there);
      }

      try (BpfIterator iterator = BpfIterator.open(link, namespace.path())) {
        assertThat(NetworkNamespace.number(THIS_THREADS)).isEqualTo(here).isNotEqualTo(there);
        // Read from here: it is opening that chooses the namespace.
        assertThat(iterator.run()).isZero();
        assertThat(Exercise.entries(recent)).isEqualTo(listeners);
      }
      assertThat(passOf(link)).isZero();
      assertThat(Exercise.entries(recent)).containsEntry(ours.getLocalPort(), here);
    }
  }

  @Test
  void aNamespaceThatCannotBeEnteredIsRefusedAndTheThreadStays() throws IOException {
    long here = NetworkNamespace.number(THIS_THREADS);
    try (BpfLink link = object.attachIterator("note_listeners");
        BpfLink noIterator = object.attach("watch_calls")) {
      assertThatThrownBy(() -> BpfIterator.open(link, Path.of("/nowhere")))
          .isInstanceOf(BpfException.class)
          .hasMessageStartingWith("open iterator note_listeners in /nowhere: ENOENT");
      assertThatThrownBy(() -> BpfIterator.open(link, Path.of("/proc/self/ns/mnt")))
          .isInstanceOf(BpfException.class)
          .hasMessageContaining("EINVAL");
      assertThatThrownBy(() -> BpfIterator.open(noIterator, THIS_THREADS))
          .isInstanceOf(BpfException.class)
          .hasMessageContaining("EINVAL");
    }
    assertThat(NetworkNamespace.number(THIS_THREADS)).isEqualTo(here);
  }

  @Test
  void anIteratorListsTheMapsOnEachPass() {
    try (BpfMap hashed = object.map("hashed");
        BpfMap records = object.map("records");
        BpfLink link = object.attachIterator("list_maps")) {
      for (int pass = 0; pass < 2; pass++) {
        assertThat(mapIds(link)).contains(hashed.id(), records.id());
      }
    }
  }

  private static Set<Integer> mapIds(BpfLink link) {
    Set<Integer> ids = new HashSet<>();
    ByteBuffer buffer = Exercise.buffer(64);
    BpfIterator iterator = BpfIterator.open(link);
    while (iterator.read(buffer) > 0) {
      assertThat(buffer.position() % 4).isZero();
      for (int at = 0; at < buffer.position(); at += 4) {
        assertThat(ids.add(buffer.getInt(at))).isTrue();
      }
      buffer.clear();
    }
    iterator.close();
    iterator.close();
    assertThatThrownBy(() -> iterator.read(buffer)).isInstanceOf(IllegalStateException.class);
    return ids;
  }

  @Test
  void onlyAnIteratorsLinkCanBeIterated() throws IOException {
    try (Cgroup cgroup = new Cgroup();
        BpfLink link = object.attachCgroup("watch_sockets", cgroup.directory())) {
      assertThatThrownBy(() -> BpfIterator.open(link))
          .isInstanceOf(BpfException.class)
          .hasMessageStartingWith("open iterator watch_sockets: EINVAL");
    }
  }

  @Test
  void anIteratorNeedsADirectBufferWithRoom() {
    try (BpfLink link = object.attachIterator("list_maps");
        BpfIterator iterator = BpfIterator.open(link)) {
      assertThatThrownBy(() -> iterator.read(ByteBuffer.allocate(8)))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> iterator.read(Exercise.buffer(0)))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
