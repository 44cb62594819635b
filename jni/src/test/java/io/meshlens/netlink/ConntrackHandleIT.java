// SPDX-License-Identifier: Apache-2.0
package io.meshlens.netlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.meshlens.libbpf.Command;
import io.meshlens.libbpf.RequiresBpf;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Handles, namespaces of threads, descriptors and permissions. */
@RequiresBpf
class ConntrackHandleIT {
  private static final String NAMESPACE = "meshlens-" + ProcessHandle.current().pid() + "-handles";
  private static final Path FILE = TranslatedNetwork.file(NAMESPACE);

  private final ConntrackTuple tuple = Tuples.of("127.0.0.1", 1, "127.0.0.1", 2);
  private final ConntrackEntry entry = new ConntrackEntry();

  @BeforeAll
  static void add() throws IOException {
    Command.run("ip", "netns", "add", NAMESPACE);
  }

  @AfterAll
  static void delete() throws IOException {
    Command.run("ip", "netns", "delete", NAMESPACE);
  }

  private static Path ownNamespace() throws IOException {
    return Files.readSymbolicLink(Path.of("/proc/thread-self/ns/net"));
  }

  private static long descriptors() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
      return files.count();
    }
  }

  @Test
  void theThreadIsBackInItsOwnNamespaceAfterwards() throws IOException {
    Path before = ownNamespace();

    try (Conntrack conntrack = Conntrack.open(FILE)) {
      assertThat(ownNamespace()).isEqualTo(before);
      conntrack.find(tuple, entry);
      assertThat(ownNamespace()).isEqualTo(before);
    }
  }

  @Test
  void aFileThatIsNoNetworkNamespaceIsRefusedAndTheThreadStays() throws IOException {
    Path before = ownNamespace();
    long descriptors = descriptors();

    for (String other : List.of("/proc/self/ns/mnt", "/dev/null")) {
      assertThatThrownBy(() -> Conntrack.open(Path.of(other)))
          .isInstanceOf(NetlinkException.class)
          .hasMessage("enter and leave namespace " + other + ": EINVAL (Invalid argument)");
    }
    assertThatThrownBy(() -> Conntrack.open(Path.of("/proc/0/ns/net")))
        .isInstanceOf(NetlinkException.class)
        .hasMessage("open namespace /proc/0/ns/net: ENOENT (No such file or directory)");
    assertThat(ownNamespace()).isEqualTo(before);
    assertThat(descriptors()).isEqualTo(descriptors);
  }

  @Test
  void aClosedHandleIsRefusedAndClosingItAgainDoesNothing() {
    Conntrack conntrack = Conntrack.open(FILE);
    conntrack.close();
    conntrack.close();

    assertThatThrownBy(() -> conntrack.find(tuple, entry))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("conntrack of " + FILE + " is closed");
  }

  @Test
  void manyLookupsAndOpeningsLeaveNoDescriptorBehind() throws IOException {
    Path namespace = ownNamespace();
    long before;
    try (Conntrack conntrack = Conntrack.open(FILE)) {
      before = descriptors();
      for (int i = 0; i < 10_007; i++) {
        tuple.sourcePort = i;
        assertThat(conntrack.find(tuple, entry)).isFalse();
      }
      assertThat(descriptors()).isEqualTo(before);
    }
    for (int i = 0; i < 101; i++) {
      Conntrack.open(FILE).close();
      Conntrack.open().close();
    }
    assertThat(descriptors()).isEqualTo(before - 1);
    assertThat(ownNamespace()).isEqualTo(namespace);
  }

  @Test
  void aLookupAllocatesNothing() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (Conntrack conntrack = Conntrack.open(FILE)) {
      long before = 0;
      for (int i = -101; i < 10_007; i++) {
        if (i == 0) {
          before = threads.getCurrentThreadAllocatedBytes();
        }
        conntrack.find(tuple, entry);
      }

      // What the JVM does now and then by itself on this thread is far below a byte for each.
      assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(10_007);
    }
  }

  @Test
  void aSecondThreadIsRefusedWhileOneAsks() throws InterruptedException {
    AtomicInteger answers = new AtomicInteger();
    AtomicInteger refusals = new AtomicInteger();
    try (Conntrack conntrack = Conntrack.open(FILE)) {
      Thread[] threads = new Thread[2];
      for (int i = 0; i < threads.length; i++) {
        threads[i] = Thread.ofPlatform().start(() -> ask(conntrack, answers, refusals));
      }
      for (Thread thread : threads) {
        thread.join();
      }
    }

    assertThat(answers.get() + refusals.get()).isEqualTo(2 * 10_007);
    assertThat(answers.get()).isPositive();
  }

  /** Any other failure ends the thread early, so that the numbers do not add up. */
  private void ask(Conntrack conntrack, AtomicInteger answers, AtomicInteger refusals) {
    for (int i = 0; i < 10_007; i++) {
      try {
        if (!conntrack.find(tuple, new ConntrackEntry())) {
          answers.incrementAndGet();
        }
      } catch (IllegalStateException e) {
        assertThat(e).hasMessage("conntrack of " + FILE + " is in use by another thread");
        refusals.incrementAndGet();
      }
    }
  }

  @Test
  void withoutNetworkAdministrationALookupIsRefused() throws IOException {
    assertThat(lookups("setpriv --bounding-set -net_admin --inh-caps -net_admin", "own", FILE))
        .isEqualTo(
            "look up a connection in conntrack: EPERM\n"
                + ("look up a connection in conntrack of " + FILE + ": EPERM"));
  }

  @Test
  void withoutSystemAdministrationAnotherNamespaceCannotBeOpened() throws IOException {
    assertThat(lookups("setpriv --bounding-set -sys_admin --inh-caps -sys_admin", "own", FILE))
        .isEqualTo("none\nenter and leave namespace " + FILE + ": EPERM");
  }

  /** In a user namespace that owns the namespace to enter, but not the one to return to. */
  @Test
  void aThreadThatCouldNotReturnDoesNotLeave() throws IOException {
    String script =
        """
        unshare --net sleep 60 >/dev/null &
        child=$!
        trap 'kill $child' EXIT
        for attempt in $(seq 500); do
          [ "$(readlink /proc/$child/ns/net)" = "$(readlink /proc/self/ns/net)" ] || break
          sleep 0.01
        done
        """
            + program("/proc/$child/ns/net");

    assertThat(Command.run("unshare", "--user", "--map-root-user", "sh", "-c", script))
        .matches("enter and leave namespace /proc/\\d+/ns/net: EPERM");
  }

  private static String lookups(String restriction, Object... namespaces) throws IOException {
    return Command.run("sh", "-c", "exec " + restriction + " " + program(namespaces));
  }

  private static String program(Object... namespaces) {
    StringBuilder command =
        new StringBuilder(System.getProperty("java.home") + "/bin/java -Xcheck:jni")
            .append(" --enable-native-access=ALL-UNNAMED -Dmeshlens.native.library=")
            .append(System.getProperty("meshlens.native.library"))
            .append(" -cp ")
            .append(System.getProperty("java.class.path"))
            .append(" ")
            .append(LookupProgram.class.getName());
    for (Object namespace : namespaces) {
      command.append(" ").append(namespace);
    }
    return command.toString();
  }
}
