// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.kernel.KernelConfig;
import io.meshlens.kernel.KernelPrograms;
import io.meshlens.kernel.ListenerCount;
import io.meshlens.kernel.SocketUse;
import io.meshlens.kernel.SumsReader;
import io.meshlens.libbpf.RingBuffer;
import io.meshlens.vitals.Gauge;
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
        new Gauge(
            "meshlens.ring.used",
            "By",
            "Bytes in the kernel's ring that are not read yet.",
            ring::backlogBytes),
        new Gauge("meshlens.ring.size", "By", "Size of the kernel's ring.", ring::capacityBytes),
        new Gauge(
            "meshlens.filter.rules",
            "{rule}",
            "Rules of filter.exclude and filter.include in force.",
            () -> programs.filters().rules()),
        new Gauge(
            "meshlens.sums.used",
            "{row}",
            "Rows of the kernel's map of sums that are in use.",
            sums::rowsUsed),
        new Gauge(
            "meshlens.sums.capacity",
            "{row}",
            "Rows that the kernel's map of sums can hold.",
            config::maxAddressPairs),
        new Gauge(
            "meshlens.sockets.used",
            "{socket}",
            "Sockets that were tracked at the last live pass.",
            () -> atLastPass(programs, SocketUse::tracked)),
        new Gauge(
            "meshlens.sockets.overflow",
            "{socket}",
            "Those among them that had no slot, so that each takes memory of its own.",
            () -> atLastPass(programs, SocketUse::overflow)),
        new Gauge(
            "meshlens.sockets.capacity",
            "{socket}",
            "Sockets that may be tracked at a time.",
            config::maxSockets),
        new Gauge(
            "meshlens.listeners.used",
            "{listener}",
            "Places where a process listens or did, of which the kernel's programs know.",
            listeners::used),
        new Gauge(
            "meshlens.listeners.capacity",
            "{listener}",
            "Such places that they can know; the oldest give way.",
            listeners::capacity));
  }

  private static long atLastPass(KernelPrograms programs, ToLongFunction<SocketUse> number) {
    return programs.livePass().map(pass -> number.applyAsLong(pass.socketUse())).orElse(0L);
  }
}
