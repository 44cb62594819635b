// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.libbpf.BpfLink;
import io.meshlens.libbpf.BpfMap;
import io.meshlens.libbpf.BpfObject;
import io.meshlens.libbpf.CgroupOrder;
import java.util.List;
import java.util.Optional;

/** The programs and maps of bpf/udp.bpf.c, when UDP is watched. */
final class UdpSide {
  /** Run for each datagram, at bind(2) and at close(2). */
  private static final List<String> CGROUP_PROGRAMS =
      List.of("udp_egress", "udp_ingress", "udp_bind4", "udp_bind6", "udp_close");

  private static final String TRACEPOINT = "udp_not_queued";

  /** Those that are pinned with the rest. */
  static final List<String> MAPS =
      List.of("udp_flows", "udp_sockets", "udp_use", "udp_sums", "udp_sums_overflow");

  private UdpSide() {}

  /** Before the object is loaded; with no configuration its maps stay at one entry. */
  static void size(BpfObject object, KernelConfig config) {
    if (config.udp().isEmpty()) {
      return;
    }
    UdpConfig udp = config.udp().get();
    object.setMaxEntries("udp_flows", udp.slots());
    object.setMaxEntries("udp_sockets", udp.slots());
    object.setRodata("udp_far_mask", udp.farSlots() - 1);
    object.setMaxEntries("udp_sums", config.maxAddressPairs());
    object.setRodata("udp_idle_ns", udp.idleTimeout().toNanos());
    EphemeralPorts ephemeral = EphemeralPorts.ofThisNamespace();
    object.setRodata("ephemeral_first", ephemeral.first());
    object.setRodata("ephemeral_last", ephemeral.last());
  }

  /** After the programs of others, all of which run, whatever one of them decides. */
  static void attach(
      BpfObject object, WatchedCgroup cgroup, Optional<Pins> pins, List<BpfLink> links) {
    links.add(
        pins.map(p -> p.tracepoint(object, TRACEPOINT)).orElseGet(() -> object.attach(TRACEPOINT)));
    for (String program : CGROUP_PROGRAMS) {
      links.add(
          pins.map(p -> p.link(object, program, cgroup, CgroupOrder.LAST))
              .orElseGet(() -> object.attachCgroup(program, cgroup.directory(), CgroupOrder.LAST)));
    }
  }

  static void addToPass(BpfObject object, List<BpfLink> plain, List<BpfLink> periodic) {
    try (BpfMap flows = object.map("udp_flows")) {
      plain.add(object.attachIterator("live_udp", flows));
      periodic.add(object.attachIterator("live_udp_periodic", flows));
    }
  }

  static UdpUse use(BpfObject object) {
    return new UdpUse(object.map("udp_use"));
  }
}
