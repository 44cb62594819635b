// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * One program rewrites the port that is dialled; which one another program sees shows the order.
 */
@RequiresBpf
class CgroupOrderIT {
  /** Nobody listens there: only a rewritten connect succeeds. */
  private static final int DIALLED = 9;

  private BpfObject object;
  private ServerSocket server;

  @BeforeEach
  void open() throws IOException {
    object = Exercise.loaded();
    server = new ServerSocket(0, 100, InetAddress.getLoopbackAddress());
    try (BpfMap ports = object.map("ports")) {
      ports.update(Exercise.ofInt(0), Exercise.ofLong(server.getLocalPort()), UpdateMode.ANY);
    }
  }

  @AfterEach
  void close() throws IOException {
    server.close();
    object.close();
  }

  /** The port that the noting program of an object sees when a process in a cgroup connects. */
  private static int portSeenBy(BpfObject noting, Cgroup cgroup) throws IOException {
    try (BpfMap ports = noting.map("ports")) {
      ports.update(Exercise.ofInt(1), Exercise.ofLong(0), UpdateMode.ANY);
      cgroup.run("exec 3<>/dev/tcp/127.0.0.1/" + DIALLED);
      ByteBuffer port = Exercise.buffer(8);
      ports.lookup(Exercise.ofInt(1), port);
      return (int) port.getLong(0);
    }
  }

  /** Links take an order since Linux 6.17 (1209339844601); others may have it too, but need not. */
  private static boolean kernelOrders() {
    List<Integer> version =
        List.of(System.getProperty("os.version").split("[^0-9]+", 3)).subList(0, 2).stream()
            .map(Integer::valueOf)
            .toList();
    return version.get(0) * 1_000 + version.get(1) >= 6_017;
  }

  private static CgroupOrder got(BpfLink link, CgroupOrder wanted) {
    CgroupOrder got = link.cgroupOrder().orElseThrow();
    if (kernelOrders()) {
      assertThat(got).isEqualTo(wanted);
    }
    assertThat(got).isIn(wanted, CgroupOrder.LAST);
    return got;
  }

  @ParameterizedTest
  @CsvSource({"LAST, false", "FIRST_IN_CGROUP, true", "FIRST, true"})
  void aProgramSeesWhatOneOfTheSameCgroupRewroteUnlessItRunsFirst(
      CgroupOrder order, boolean seesDialled) throws IOException {
    try (Cgroup cgroup = new Cgroup();
        BpfLink rewriting = object.attachCgroup("rewrite_port", cgroup.directory());
        BpfLink noting = object.attachCgroup("note_port", cgroup.directory(), order)) {
      boolean first = got(noting, order) == order && seesDialled;
      assertThat(portSeenBy(object, cgroup)).isEqualTo(first ? DIALLED : server.getLocalPort());
    }
  }

  @ParameterizedTest
  @CsvSource({"LAST, false", "FIRST_IN_CGROUP, false", "FIRST, true"})
  void aProgramSeesWhatOneOfACgroupBelowRewroteUnlessItRunsFirst(
      CgroupOrder order, boolean seesDialled) throws IOException {
    try (Cgroup cgroup = new Cgroup();
        Cgroup below = cgroup.below();
        BpfLink rewriting = object.attachCgroup("rewrite_port", below.directory());
        BpfLink noting = object.attachCgroup("note_port", cgroup.directory(), order)) {
      boolean first = got(noting, order) == order && seesDialled;
      assertThat(portSeenBy(object, below)).isEqualTo(first ? DIALLED : server.getLocalPort());
    }
  }

  @ParameterizedTest
  @EnumSource
  void aLinkOfAnyOrderIsPinnedReopenedAndUnpinned(CgroupOrder order) throws IOException {
    try (Cgroup cgroup = new Cgroup();
        MountedBpfFileSystem files = new MountedBpfFileSystem();
        BpfLink rewriting = object.attachCgroup("rewrite_port", cgroup.directory())) {
      Path pin = files.path("link");
      CgroupOrder got;
      try (BpfLink noting = object.attachCgroup("note_port", cgroup.directory(), order)) {
        got = got(noting, order);
        assertThatThrownBy(noting::unpin).hasMessageContaining("EINVAL");
        noting.pin(files.path("given-up"));
        assertThatThrownBy(() -> noting.pin(pin)).hasMessageContaining("EBUSY");
        noting.unpin();
        assertThat(files.path("given-up")).doesNotExist();
        noting.pin(pin);
      }
      int seen = got == CgroupOrder.LAST ? server.getLocalPort() : DIALLED;
      assertThat(portSeenBy(object, cgroup)).isEqualTo(seen);
      try (BpfLink noting = BpfLink.openPinned(pin)) {
        assertThat(noting.cgroupOrder()).isEmpty();
        noting.unpin();
        assertThat(portSeenBy(object, cgroup)).isEqualTo(seen);
      }
      assertThat(portSeenBy(object, cgroup)).isZero();
    }
  }

  @Test
  void aReplacedProgramKeepsItsPlace() throws IOException {
    try (Cgroup cgroup = new Cgroup();
        BpfObject next = Exercise.loaded();
        BpfLink rewriting = object.attachCgroup("rewrite_port", cgroup.directory());
        BpfLink noting =
            object.attachCgroup("note_port", cgroup.directory(), CgroupOrder.FIRST_IN_CGROUP)) {
      boolean first = got(noting, CgroupOrder.FIRST_IN_CGROUP) != CgroupOrder.LAST;
      noting.update(next, "note_port");
      assertThat(portSeenBy(next, cgroup)).isEqualTo(first ? DIALLED : server.getLocalPort());
      assertThat(portSeenBy(object, cgroup)).isZero();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aSocketProgramMeetsMarkedSocketsUnlessItRunsBeforeTheMarking(CgroupOrder order)
      throws IOException {
    try (Cgroup cgroup = new Cgroup();
        BpfLink marking = object.attachCgroup("mark_sockets", cgroup.directory());
        BpfLink counting = object.attachCgroup("count_marked", cgroup.directory(), order)) {
      CgroupOrder got = got(counting, order);
      cgroup.connectOnce();
      assertThat(Exercise.counted(object, 4)).isEqualTo(got == CgroupOrder.LAST ? 1 : 0);
    }
  }

  @Test
  void anErrorIsNotTakenForAMissingOrder() {
    assertThatThrownBy(() -> object.attachCgroup("note_port", Path.of("/proc"), CgroupOrder.FIRST))
        .isInstanceOf(BpfException.class)
        .hasMessageStartingWith("attach note_port to /proc: EBADF");
    assertThatThrownBy(
            () -> object.attachCgroup("watch_calls", Path.of("/proc"), CgroupOrder.FIRST))
        .isInstanceOf(BpfException.class);
  }
}
