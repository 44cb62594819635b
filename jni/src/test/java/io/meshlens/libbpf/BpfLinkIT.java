// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@RequiresBpf
class BpfLinkIT {
  private BpfObject object;

  @BeforeEach
  void open() {
    object = Exercise.loaded();
  }

  @AfterEach
  void close() {
    object.close();
  }

  private long socketCalls() {
    return Exercise.counted(object, 1);
  }

  @Test
  void aCgroupProgramRunsWhileItsLinkIsOpen() throws IOException {
    try (Cgroup cgroup = new Cgroup()) {
      BpfLink link = object.attachCgroup("watch_sockets", cgroup.directory());
      cgroup.connectOnce();
      assertThat(socketCalls()).isPositive();
      link.close();
      link.close();
      assertThatThrownBy(() -> link.pin(cgroup.directory().resolve("x")))
          .isInstanceOf(IllegalStateException.class);
      long before = socketCalls();
      cgroup.connectOnce();
      assertThat(socketCalls()).isEqualTo(before);
    }
  }

  @Test
  void aPinnedLinkOutlivesItsHandleAndEndsWithItsPin() throws IOException {
    try (Cgroup cgroup = new Cgroup();
        MountedBpfFileSystem files = new MountedBpfFileSystem()) {
      Path pin = files.path("link");
      try (BpfLink link = object.attachCgroup("watch_sockets", cgroup.directory())) {
        link.pin(pin);
      }
      long before = socketCalls();
      cgroup.connectOnce();
      assertThat(socketCalls()).isGreaterThan(before);

      try (BpfLink link = BpfLink.openPinned(pin)) {
        link.unpin();
      }
      assertThat(Files.exists(pin)).isFalse();
      before = socketCalls();
      cgroup.connectOnce();
      assertThat(socketCalls()).isEqualTo(before);
      assertThatThrownBy(() -> BpfLink.openPinned(pin))
          .isInstanceOf(BpfException.class)
          .hasMessageStartingWith("open link " + pin + ": ENOENT");
    }
  }

  @Test
  void aDirectoryThatIsNoCgroupIsRefused() {
    assertThatThrownBy(() -> object.attachCgroup("watch_sockets", Path.of("/proc")))
        .isInstanceOf(BpfException.class)
        .hasMessageStartingWith("attach watch_sockets to /proc: EBADF");
    assertThatThrownBy(() -> object.attachCgroup("watch_sockets", Path.of("/nowhere")))
        .isInstanceOf(BpfException.class)
        .hasMessageContaining("ENOENT");
  }

  @Test
  void aRawTracepointIsAttachedByItsSection() throws IOException {
    try (BpfLink link = object.attach("watch_calls")) {
      assertThat(link.name()).isEqualTo("watch_calls");
      Command.run("true");
      assertThat(Exercise.counted(object, 2)).isPositive();
    }
    long before = Exercise.counted(object, 2);
    Command.run("true");
    assertThat(Exercise.counted(object, 2)).isEqualTo(before);
  }

  @Test
  void aProgramThatCannotAttachItselfIsRefused() {
    assertThatThrownBy(() -> object.attach("produce"))
        .isInstanceOf(BpfException.class)
        .hasMessageStartingWith("attach produce: ");
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
