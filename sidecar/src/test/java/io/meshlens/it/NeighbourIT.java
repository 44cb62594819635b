// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static io.meshlens.it.Neighbour.ACTIVE_ESTABLISHED;
import static io.meshlens.it.Neighbour.CLOSES;
import static io.meshlens.it.Neighbour.CONNECT;
import static io.meshlens.it.Neighbour.PASSIVE_ESTABLISHED;
import static io.meshlens.it.Neighbour.RTT;
import static io.meshlens.it.Neighbour.RTT_FLAG;
import static io.meshlens.it.Neighbour.STATE_FLAG;
import static io.meshlens.it.Neighbour.UNKNOWN_OPTIONS_FLAG;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Another program watches the same sockets: both see everything, and neither disturbs the other.
 */
@RequiresKernel
class NeighbourIT {
  private static final List<String> SIDES = List.of("outbound", "inbound");
  private static final int PORT = 20_000;

  private TestCgroup above;
  private Path watched;
  private Path below;
  private NetworkNamespace node;
  private TcpPeer peer;

  /** Where the other program is attached, and when. */
  enum Place {
    SAME_BEFORE,
    SAME_AFTER,
    ABOVE,
    BELOW
  }

  @BeforeEach
  void startPeer() throws Exception {
    above = new TestCgroup();
    watched = Files.createDirectory(above.path().resolve("watched"));
    below = Files.createDirectory(watched.resolve("below"));
    node = new NetworkNamespace();
    List<String> entrance = new ArrayList<>(above.entrance(node));
    entrance.replaceAll(word -> word.replace(above.path() + "/", below + "/"));
    peer = new TcpPeer(entrance);
    peer.run("from traffic import *; t = Traffic('127.0.0.1', %d)", PORT);
  }

  @AfterEach
  void end() throws Exception {
    AutoCloseable directories =
        () -> {
          Files.deleteIfExists(below);
          Files.deleteIfExists(watched);
        };
    for (AutoCloseable part : new AutoCloseable[] {peer, node, directories, above}) {
      if (part != null) {
        part.close();
      }
    }
  }

  private SidecarProcess start(String... settings) throws Exception {
    List<String> all = new ArrayList<>(List.of(settings));
    all.add("cgroup=" + watched);
    return SidecarProcess.run(all.toArray(String[]::new));
  }

  private Neighbour neighbour(Place place, int flags) throws Exception {
    return new Neighbour(
        switch (place) {
          case SAME_BEFORE, SAME_AFTER -> watched;
          case ABOVE -> above.path();
          case BELOW -> below;
        },
        flags);
  }

  private void assertExact(SidecarProcess sidecar, int records) throws Exception {
    List<JsonNode> all = sidecar.awaitRecords(PORT, records);
    JsonNode truth = peer.run("t.over()");
    MetricsPage page = MetricsPage.of(sidecar);
    for (String side : SIDES) {
      Totals application = Totals.ofApplication(truth.path(side));
      assertThat(Totals.ofRecords(all, side)).as(side).isEqualTo(application);
      assertThat(Totals.ofSums(page, side)).as(side).isEqualTo(application);
    }
    assertThat(page.sum("meshlens_connections_vanished_total", Map.of())).isZero();
    assertThat(page.sum("meshlens_connections_untracked_total", Map.of())).isZero();
  }

  @ParameterizedTest
  @EnumSource
  void bothSeeEveryConnectionAndTheOtherGoesOnWhenWeEnd(Place place) throws Exception {
    int flags = STATE_FLAG | RTT_FLAG | UNKNOWN_OPTIONS_FLAG;
    Neighbour early = place == Place.SAME_AFTER ? null : neighbour(place, flags);
    try (SidecarProcess sidecar = start();
        Neighbour other = early == null ? neighbour(place, flags) : early) {
      peer.run("t.hold(3); t.churn(5)");
      assertThat(sidecar.awaitRecords(PORT, 40)).hasSize(40);
      assertThat(other.count(CONNECT)).isEqualTo(23);
      assertThat(other.count(ACTIVE_ESTABLISHED)).isEqualTo(23);
      assertThat(other.count(PASSIVE_ESTABLISHED)).isEqualTo(23);
      assertThat(other.count(CLOSES)).isEqualTo(40);
      peer.run("t.release()");
      assertExact(sidecar, 46);
      assertThat(other.count(CLOSES)).isEqualTo(46);

      peer.run("t.hold(2)");
      sidecar.process().terminate();
      assertThat(sidecar.process().exitCode()).isZero();
      long samples = other.count(RTT);
      peer.run("t.pump(1)");
      assertThat(other.count(RTT)).isGreaterThan(samples);
      peer.run("t.churn(2); t.release()");
      assertThat(other.count(CLOSES)).isEqualTo(46 + 16 + 4);
    }
  }

  @Test
  void adoptionKeepsTheFlagsOfTheOtherAndSoDoesDetach() throws Exception {
    MountedBpfFileSystem files = new MountedBpfFileSystem();
    try (files;
        Neighbour other = neighbour(Place.SAME_BEFORE, RTT_FLAG)) {
      peer.run("t.hold(3)");
      assertThat(other.count(CLOSES)).isZero();
      try (SidecarProcess sidecar = start("kernel.pin_path=" + files.path("meshlens"))) {
        long samples = other.count(RTT);
        peer.run("t.pump(2)");
        assertThat(other.count(RTT)).isGreaterThan(samples);
        peer.run("t.churn(1); t.held.pop().close()");
        assertThat(sidecar.awaitRecords(PORT, 8 + 2)).hasSize(8 + 2);
        // It did not ask for states, but flags belong to the socket, not to who set them.
        assertThat(other.count(CLOSES)).isEqualTo(8 + 2);
        sidecar.process().terminate();
        assertThat(sidecar.process().exitCode()).isZero();
      }
      try (ChildProcess detach =
          ChildProcess.of(
              SidecarProcess.LAUNCHER,
              "detach",
              "--set",
              "kernel.pin_path=" + files.path("meshlens"))) {
        assertThat(detach.exitCode()).as("%s", detach.err()).isZero();
      }
      long samples = other.count(RTT);
      peer.run("t.pump(1)");
      assertThat(other.count(RTT)).isGreaterThan(samples);
      peer.run("t.release(); t.churn(1)");
      // Sockets keep the flag that we set, the listener too, from which accepted ones inherit it.
      assertThat(other.count(CLOSES)).isEqualTo(8 + 2 + 4 + 4);
      assertThat(other.count(ACTIVE_ESTABLISHED)).isEqualTo(3 + 4 + 4);
    }
  }

  /** Its value without our flag: nobody tells us of the end of such a connection. */
  @Test
  void connectionsWhoseFlagsTheOtherOverwritesAreCountedAsVanished() throws Exception {
    try (SidecarProcess sidecar = start();
        Neighbour bad = neighbour(Place.SAME_AFTER, RTT_FLAG)) {
      peer.run("t.churn(2)");
      bad.overwrite();
      peer.run("t.hold(3); t.pump(2)");
      bad.respect();
      assertOpen(MetricsPage.of(sidecar), 8, 3);
      JsonNode carried = peer.run("t.open_now()");
      peer.run("t.release()");
      MetricsPage after = MetricsPage.of(sidecar);
      assertThat(after.sum("meshlens_connections_vanished_total", Map.of())).isEqualTo(6);
      JsonNode over = peer.run("t.over()");
      for (String side : SIDES) {
        Totals application = Totals.ofApplication(over.path(side));
        Totals sums = Totals.ofSums(after, side);
        // The end is missing, and nothing else.
        assertThat(sums)
            .as(side)
            .isEqualTo(
                new Totals(
                    application.opened(),
                    application.closed() - 3,
                    Map.of(),
                    application.sent(),
                    application.received()));
        assertThat(Totals.ofApplication(carried.path(side)).opened()).isEqualTo(3);
      }
      assertThat(sidecar.awaitRecords(PORT, 16)).hasSize(16);
      // What comes later is whole again.
      peer.run("t.churn(1)");
      assertThat(sidecar.awaitRecords(PORT, 24)).hasSize(24);
      MetricsPage page = MetricsPage.of(sidecar);
      assertThat(page.sum("meshlens_connections_vanished_total", Map.of())).isEqualTo(6);
      for (String side : SIDES) {
        assertThat(Totals.ofSums(page, side).closed()).isEqualTo(12);
      }
    }
  }

  private static void assertOpen(MetricsPage page, long closed, long open) {
    for (String side : SIDES) {
      assertThat(Totals.ofSums(page, side).opened()).as(side).isEqualTo(closed + open);
      assertThat(Totals.ofSums(page, side).closed()).as(side).isEqualTo(closed);
    }
  }
}
