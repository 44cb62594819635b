// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.flow.SumsSnapshot;
import io.meshlens.kernel.KernelConfig;
import io.meshlens.kernel.KernelPrograms;
import io.meshlens.kernel.SumsReader;
import io.meshlens.kernel.UdpUse;
import io.meshlens.vitals.Gauge;
import java.util.List;

/** What is read of UDP when it is watched. */
final class UdpCounts implements AutoCloseable {
  private final SumsReader sums;
  private final UdpUse use;

  UdpCounts(KernelPrograms programs) {
    sums = programs.udpSumsReader();
    use = programs.udpUse().orElseThrow();
  }

  SumsSnapshot read() {
    return sums.read();
  }

  /** How large what is kept for UDP may be, and how full it is. */
  List<Gauge> gauges(KernelConfig config) {
    long maxFlows = config.udp().orElseThrow().slots();
    return List.of(
        new Gauge(
            "meshlens.udp.flows.used",
            "{flow}",
            "UDP flows that were tracked at the last live pass.",
            use::flows),
        new Gauge(
            "meshlens.udp.flows.capacity",
            "{flow}",
            "UDP flows that may be tracked at a time.",
            () -> maxFlows),
        new Gauge(
            "meshlens.udp.sockets.used",
            "{socket}",
            "UDP sockets that are known by more than one flow: bound, or not connected.",
            use::sockets),
        new Gauge(
            "meshlens.udp.sockets.capacity",
            "{socket}",
            "UDP sockets that may be known at a time.",
            () -> maxFlows),
        new Gauge(
            "meshlens.udp.sums.used",
            "{row}",
            "Rows of the kernel's map of UDP sums that are in use.",
            sums::rowsUsed),
        new Gauge(
            "meshlens.udp.sums.capacity",
            "{row}",
            "Rows that the kernel's map of UDP sums can hold.",
            config::maxAddressPairs));
  }

  @Override
  public void close() {
    sums.close();
  }
}
