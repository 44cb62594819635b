// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.kernel.KernelConfig;
import io.meshlens.kernel.KernelPrograms;
import io.meshlens.kernel.ListenerCount;
import io.meshlens.kernel.SocketUse;
import io.meshlens.kernel.SumsReader;
import io.meshlens.libbpf.RingBuffer;
import io.meshlens.vitals.Gauge;
import io.meshlens.vitals.SelfMetric;
import java.util.List;
import java.util.function.ToLongFunction;

/** How large everything bounded in the kernel is, and how full. */
final class KernelGauges {
  private KernelGauges() {}

  static List<Gauge> of(
      KernelConfig config,
      KernelPrograms programs,
      RingBuffer ring,
      SumsReader sums,
      ListenerCount listeners) {
    return List.of(
        new Gauge(SelfMetric.RING_USED, ring::backlogBytes),
        new Gauge(SelfMetric.RING_SIZE, ring::capacityBytes),
        new Gauge(SelfMetric.FILTER_RULES, () -> programs.filters().rules()),
        new Gauge(SelfMetric.SUMS_USED, sums::rowsUsed),
        new Gauge(SelfMetric.SUMS_CAPACITY, config::maxAddressPairs),
        new Gauge(SelfMetric.SOCKETS_USED, () -> atLastPass(programs, SocketUse::tracked)),
        new Gauge(SelfMetric.SOCKETS_OVERFLOW, () -> atLastPass(programs, SocketUse::overflow)),
        new Gauge(SelfMetric.SOCKETS_CAPACITY, config::maxSockets),
        new Gauge(SelfMetric.LISTENERS_USED, listeners::used),
        new Gauge(SelfMetric.LISTENERS_CAPACITY, listeners::capacity));
  }

  private static long atLastPass(KernelPrograms programs, ToLongFunction<SocketUse> number) {
    return programs.livePass().map(pass -> number.applyAsLong(pass.socketUse())).orElse(0L);
  }
}
