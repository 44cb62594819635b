// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.flow.SumsSink;
import io.meshlens.kernel.KernelConfig;
import io.meshlens.kernel.KernelPrograms;
import io.meshlens.kernel.SumsReader;
import io.meshlens.kernel.UdpUse;
import io.meshlens.vitals.Gauge;
import io.meshlens.vitals.SelfMetric;
import java.util.List;

/** What is read of UDP when it is watched. */
final class UdpCounts implements AutoCloseable {
  private final SumsReader sums;
  private final UdpUse use;

  UdpCounts(KernelPrograms programs) {
    sums = programs.udpSumsReader();
    use = programs.udpUse().orElseThrow();
  }

  void read(SumsSink sink) {
    sums.read(sink);
  }

  /** How large what is kept for UDP may be, and how full it is. */
  List<Gauge> gauges(KernelConfig config) {
    long maxFlows = config.udp().orElseThrow().slots();
    return List.of(
        new Gauge(SelfMetric.UDP_FLOWS_USED, use::flows),
        new Gauge(SelfMetric.UDP_FLOWS_CAPACITY, () -> maxFlows),
        new Gauge(SelfMetric.UDP_SOCKETS_USED, use::sockets),
        new Gauge(SelfMetric.UDP_SOCKETS_CAPACITY, () -> maxFlows),
        new Gauge(SelfMetric.UDP_SUMS_USED, sums::rowsUsed),
        new Gauge(SelfMetric.UDP_SUMS_CAPACITY, config::maxAddressPairs));
  }

  @Override
  public void close() {
    sums.close();
  }
}
