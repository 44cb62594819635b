// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Whose pins they are, which ones are taken over, and how they go. */
@RequiresKernel
class PinsIT {
  private static final int PORT = 20_000;
  private static final int REFUSED = 3;

  /** The user nobody, with what the programs need and nothing else. */
  private static final List<String> UNPRIVILEGED =
      List.of(
          "setpriv",
          "--reuid=65534",
          "--regid=65534",
          "--clear-groups",
          "--inh-caps=-all,+bpf,+perfmon,+net_admin",
          "--ambient-caps=-all,+bpf,+perfmon,+net_admin",
          "--bounding-set=-all,+bpf,+perfmon,+net_admin");

  private MountedBpfFileSystem files;
  private Path root;
  private TestCgroup cgroup;
  private NetworkNamespace node;
  private TcpPeer peer;

  @BeforeEach
  void startPeer() throws Exception {
    files = new MountedBpfFileSystem();
    root = files.path("meshlens");
    cgroup = new TestCgroup();
    node = new NetworkNamespace();
    peer = new TcpPeer(cgroup.entrance(node));
    peer.run("from traffic import *; t = Traffic('127.0.0.1', %d)", PORT);
  }

  @AfterEach
  void end() throws Exception {
    for (AutoCloseable part : new AutoCloseable[] {peer, node, cgroup, files}) {
      if (part != null) {
        part.close();
      }
    }
  }

  private SidecarProcess start(String... settings) throws Exception {
    List<String> all = new ArrayList<>(List.of(settings));
    all.add("cgroup=" + cgroup.path());
    all.add("kernel.pin_path=" + root);
    return SidecarProcess.run(all.toArray(String[]::new));
  }

  private static void stop(SidecarProcess sidecar) throws InterruptedException {
    sidecar.process().terminate();
    assertThat(sidecar.process().exitCode()).isZero();
  }

  /** A command of the program that ends by itself. */
  private ChildProcess meshlens(List<String> entrance, String command) throws IOException {
    List<String> words = new ArrayList<>(entrance);
    words.addAll(List.of(SidecarProcess.LAUNCHER, command));
    for (String setting :
        List.of(
            "telemetry.address=127.0.0.1:0",
            "cgroup=" + cgroup.path(),
            "kernel.pin_path=" + root)) {
      words.addAll(List.of("--set", setting));
    }
    return ChildProcess.of(words.toArray(String[]::new));
  }

  private List<Path> pinned() throws IOException {
    if (!Files.exists(root)) {
      return List.of();
    }
    try (Stream<Path> walk = Files.walk(root)) {
      return walk.toList();
    }
  }

  private static boolean exists(String kind, int id) {
    try {
      return !Bpftool.show(kind, "show", "id", Integer.toString(id)).isMissingNode();
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void detachLeavesNothingAndIsRefusedAsIsASecondSidecarWhileOneRuns() throws Exception {
    SidecarProcess sidecar = start();
    try (sidecar;
        ChildProcess second = meshlens(List.of(), "run");
        ChildProcess detach = meshlens(List.of(), "detach")) {
      for (ChildProcess refused : List.of(second, detach)) {
        assertThat(refused.exitCode()).isEqualTo(REFUSED);
        assertThat(String.join("\n", refused.err()))
            .contains(root.toString())
            .contains("in use by another meshlens");
      }
      peer.run("t.churn(3)");
      assertThat(sidecar.awaitRecords(PORT, 24)).hasSize(24);
      stop(sidecar);
    }
    List<Path> pins = pinned();
    List<Integer> links = new ArrayList<>();
    List<Integer> programs = new ArrayList<>();
    List<Integer> maps = new ArrayList<>();
    for (Path pin : pins) {
      if (pin.toString().contains("/links/")) {
        JsonNode link = Bpftool.show("link", "show", "pinned", pin.toString());
        links.add(link.path("id").asInt());
        programs.add(link.path("prog_id").asInt());
      } else if (pin.toString().contains("/maps/")) {
        maps.add(Bpftool.show("map", "show", "pinned", pin.toString()).path("id").asInt());
      }
    }
    assertThat(links).hasSize(3);
    assertThat(maps).hasSize(10);
    Map<String, List<Integer>> ids = Map.of("link", links, "prog", programs, "map", maps);
    ids.forEach((kind, all) -> assertThat(all).allMatch(id -> exists(kind, id)));

    try (ChildProcess detach = meshlens(List.of(), "detach")) {
      assertThat(detach.exitCode()).isZero();
      assertThat(detach.out()).contains("everything detached");
    }
    assertThat(root).doesNotExist();
    // The kernel frees them a moment later.
    ids.forEach((kind, all) -> all.forEach(id -> awaitGone(kind, id)));
  }

  private static void awaitGone(String kind, int id) {
    try {
      ChildProcess.await(
          "the end of %s %d".formatted(kind, id),
          () -> Optional.of(true).filter(x -> !exists(kind, id)));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void pinsOfAnotherVersionOrConfigurationAreRemovedAndTheSumsBeginAnew() throws Exception {
    Path older = root.resolve("abi1-cgroup1-ring8388608-pairs16384");
    Files.createDirectories(older.resolve("maps"));
    Files.createDirectories(older.resolve("links"));
    pinMap(older.resolve("maps/sums"));
    try (SidecarProcess first = start("kernel.ring_size=64KiB")) {
      assertThat(older).doesNotExist();
      assertRemoved(first, older);
      peer.run("t.hold(2); t.pump(1); t.churn(3)");
      assertThat(first.awaitRecords(PORT, 24)).hasSize(24);
      stop(first);
    }
    Path other = pinned().get(1);
    assertThat(other.getParent()).isEqualTo(root);
    try (SidecarProcess second = start("kernel.ring_size=128KiB")) {
      assertThat(other).doesNotExist();
      assertRemoved(second, other);
      MetricsPage page = MetricsPage.of(second);
      for (String side : List.of("outbound", "inbound")) {
        assertThat(Totals.ofSums(page, side)).isEqualTo(new Totals(2, 0, Map.of(), 0, 0));
      }
      peer.run("t.release()");
      List<JsonNode> records = second.awaitRecords(PORT, 4);
      assertThat(records).noneMatch(record -> record.has("start_time"));
    }
  }

  private static void pinMap(Path pin) throws Exception {
    Bpftool.run(
        "map",
        "create",
        pin.toString(),
        "type",
        "array",
        "key",
        "4",
        "value",
        "4",
        "entries",
        "1",
        "name",
        "meshlens_test");
  }

  private static void assertRemoved(SidecarProcess sidecar, Path layout) {
    assertThat(sidecar.process().err())
        .anyMatch(line -> line.contains("removed " + layout) && line.contains("start anew"));
  }

  /** Of somebody who gives the mount itself, which others use too. */
  @Test
  void whatOthersHavePinnedBesideStays() throws Exception {
    root = files.path("");
    Path foreign = root.resolve("tc/globals/cilium_calls");
    Files.createDirectories(foreign.getParent());
    pinMap(foreign);
    Path file = root.resolve("other_map");
    pinMap(file);
    List<Path> before = pinned();
    try (SidecarProcess sidecar = start()) {
      peer.run("t.churn(1)");
      assertThat(sidecar.awaitRecords(PORT, 8)).hasSize(8);
      assertThat(foreign).exists();
      assertThat(file).exists();
      stop(sidecar);
    }
    try (ChildProcess detach = meshlens(List.of(), "detach")) {
      assertThat(detach.exitCode()).as("%s", detach.err()).isZero();
    }
    assertThat(pinned()).containsExactlyInAnyOrderElementsOf(before);
  }

  @Test
  void pinsOfAnotherUserAreLeftAloneWithARemedy() throws Exception {
    try (SidecarProcess sidecar = start()) {
      stop(sidecar);
    }
    List<Path> pins = pinned();
    for (String command : List.of("run", "detach")) {
      try (ChildProcess refused = meshlens(UNPRIVILEGED, command)) {
        assertThat(refused.exitCode()).as("%s", refused.err()).isEqualTo(REFUSED);
        assertThat(String.join("\n", refused.err()))
            .contains(root.toString())
            .containsAnyOf("run as", "as root");
      }
    }
    assertThat(pinned()).isEqualTo(pins);
  }

  @Test
  void aUserWhoHasTheCapabilitiesPinsInADirectoryOfItsOwn() throws Exception {
    try (ChildProcess run = meshlens(UNPRIVILEGED, "run")) {
      ChildProcess.await(
          "readiness: " + run.err(),
          () -> run.err().stream().filter(line -> line.contains("metrics on")).findFirst());
      peer.run("t.churn(1)");
      ChildProcess.await("the records", () -> Optional.of(true).filter(x -> run.out().size() >= 8));
      run.terminate();
      assertThat(run.exitCode()).isZero();
      assertThat(run.out()).hasSize(8);
    }
    try (ChildProcess detach = meshlens(UNPRIVILEGED, "detach")) {
      assertThat(detach.exitCode()).as("%s", detach.err()).isZero();
    }
    assertThat(root).doesNotExist();
  }

  @Test
  void aPathOnNoBpfFileSystemIsRefusedWithARemedy() throws Exception {
    root = Path.of("/proc/meshlens");
    try (ChildProcess run = meshlens(List.of(), "run")) {
      assertThat(run.exitCode()).isEqualTo(REFUSED);
      assertThat(String.join("\n", run.err())).contains("mount -t bpf");
    }
  }
}
