// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
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
  void aPinnedLinksProgramIsReplacedAndNoEventIsMissedOrMetTwice() throws Exception {
    int connects = 1_000;
    try (Cgroup cgroup = new Cgroup();
        MountedBpfFileSystem files = new MountedBpfFileSystem();
        ServerSocket server = new ServerSocket(0, 2_000, InetAddress.getLoopbackAddress());
        BpfObject next = Exercise.loaded()) {
      Path pin = files.path("link");
      try (BpfLink link = object.attachCgroup("count_connects", cgroup.directory())) {
        link.pin(pin);
      }
      String connect = "exec 3<>" + Cgroup.addressOf(server);
      String script =
          "for i in {1..%d}; do %s; done; read; %s".formatted(connects, connect, connect);
      try (BpfLink link = BpfLink.openPinned(pin);
          ChildProcess shell = cgroup.start(script)) {
        replaceWhile(link, next, connects * 9 / 10);
        link.update(next, "count_connects");
        shell.goOn();
        shell.finish();
        link.unpin();
      }
      assertThat(Exercise.counted(object, 3)).isPositive();
      assertThat(Exercise.counted(next, 3)).isPositive();
      assertThat(connectsCounted(next)).isEqualTo(connects + 1);
    }
  }

  private long connectsCounted(BpfObject next) {
    return Exercise.counted(object, 3) + Exercise.counted(next, 3);
  }

  private void replaceWhile(BpfLink link, BpfObject next, int fewerConnects) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (connectsCounted(next) < fewerConnects && System.nanoTime() - deadline < 0) {
      link.update(next, "count_connects");
      link.update(object, "count_connects");
    }
  }

  @Test
  void aLinkTakesNoProgramOfAnotherTypeAndARawTracepointTakesNone() throws IOException {
    try (Cgroup cgroup = new Cgroup();
        BpfLink sockets = object.attachCgroup("watch_sockets", cgroup.directory());
        BpfLink calls = object.attach("watch_calls")) {
      assertThatThrownBy(() -> sockets.update(object, "watch_calls"))
          .isInstanceOf(BpfException.class)
          .hasMessageStartingWith("update link watch_sockets to watch_calls: EINVAL");
      assertThatThrownBy(() -> calls.update(object, "watch_calls"))
          .isInstanceOf(BpfException.class)
          .hasMessageStartingWith("update link watch_calls to watch_calls: EINVAL");
      assertThatThrownBy(() -> sockets.update(object, "nothing"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no program nothing");
      cgroup.connectOnce();
      assertThat(socketCalls()).isPositive();
    }
  }

  @Test
  void aLinkWhoseCgroupIsGoneIsKnownByItsUpdate() throws Exception {
    try (BpfLink link = attachedToARemovedCgroup()) {
      assertThatThrownBy(
              () -> {
                // The kernel lets go of the links in the background.
                for (int tries = 0; tries < 500; tries++) {
                  link.update(object, "watch_sockets");
                  Thread.sleep(10);
                }
              })
          .isInstanceOf(BpfException.class)
          .hasMessageStartingWith("update link watch_sockets to watch_sockets: ENOLINK");
    }
  }

  private BpfLink attachedToARemovedCgroup() throws IOException {
    try (Cgroup cgroup = new Cgroup()) {
      return object.attachCgroup("watch_sockets", cgroup.directory());
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
}
