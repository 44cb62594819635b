// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.config.ConfigException;
import io.meshlens.flow.SumsSink;
import io.meshlens.kernel.EventSwitches;
import io.meshlens.kernel.EventType;
import io.meshlens.kernel.Extra;
import io.meshlens.kernel.FeatureProbe;
import io.meshlens.kernel.FilterConfig;
import io.meshlens.kernel.Filters;
import io.meshlens.kernel.KernelConfig;
import io.meshlens.kernel.KernelConfig.ConntrackUse;
import io.meshlens.kernel.KernelPrograms;
import io.meshlens.kernel.KernelUnavailableException;
import io.meshlens.kernel.ListenerCount;
import io.meshlens.kernel.LivePass;
import io.meshlens.kernel.Pins;
import io.meshlens.kernel.ProgramRunCount;
import io.meshlens.kernel.SumsReader;
import io.meshlens.kernel.WatchedCgroup;
import io.meshlens.libbpf.RingBuffer;
import io.meshlens.vitals.Gauge;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Readiness;
import io.meshlens.vitals.Readings;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The programs in the kernel, with all that is read from them but events. */
final class KernelSide implements AutoCloseable {
  private final KernelConfig config;
  private final WatchedCgroup cgroup;
  private final Readiness readiness;
  private final Vitals vitals;
  private final Log log;
  private final KernelPrograms programs;
  private final RingBuffer ring;
  private final SumsReader sums;
  private final Optional<UdpCounts> udp;
  private final EventSwitches switches;
  private final ListenerCount listenerCount;
  private final ProgramRunCount programRunCount;

  private KernelSide(
      KernelConfig config,
      WatchedCgroup cgroup,
      Readiness readiness,
      Vitals vitals,
      Log log,
      KernelPrograms programs) {
    this.config = config;
    this.cgroup = cgroup;
    this.readiness = readiness;
    this.vitals = vitals;
    this.log = log;
    this.programs = programs;
    ring = programs.mapRing();
    sums = programs.sumsReader();
    udp = programs.watchesUdp() ? Optional.of(new UdpCounts(programs)) : Optional.empty();
    switches = programs.eventSwitches();
    listenerCount = programs.listenerCount();
    programRunCount = programs.programRunCount();
  }

  /**
   * Nothing is watched yet.
   *
   * @throws KernelUnavailableException when the kernel or our permission does not suffice
   */
  static KernelSide load(
      KernelConfig config, WatchedCgroup cgroup, Readiness readiness, Vitals vitals, Log log)
      throws KernelUnavailableException {
    KernelPrograms programs = KernelPrograms.load(config, cgroup, pins(config, cgroup, log));
    return new KernelSide(config, cgroup, readiness, vitals, log, programs);
  }

  /** Where programs and sums outlive this process; says what it found there. */
  private static Optional<Pins> pins(KernelConfig config, WatchedCgroup cgroup, Log log)
      throws KernelUnavailableException {
    Optional<Path> root = Pins.root(config);
    if (root.isEmpty()) {
      return Optional.empty();
    }
    Pins pins = Pins.open(root.get(), config, cgroup);
    pins.removed()
        .forEach(
            name ->
                log.warn(
                    "removed "
                        + root.get().resolve(name)
                        + ", of another version or configuration: its sums start anew"));
    log.info(
        pins.takenOver()
            ? "taking over the sums and connections pinned in " + root.get()
            : "pinning programs and sums in " + root.get());
    return Optional.of(pins);
  }

  RingBuffer ring() {
    return ring;
  }

  EventSwitches switches() {
    return switches;
  }

  Filters filters() {
    return programs.filters();
  }

  Optional<LivePass> livePass() {
    return programs.livePass();
  }

  /** Since when the sums are counted: before now when pinned maps were taken over. */
  Instant sumsSince() {
    return programs.sumsSince();
  }

  /** Whether the programs stay when this process ends. */
  boolean isPinned() {
    return programs.isPinned();
  }

  /** From here on every connection is seen. */
  void attach() throws KernelUnavailableException {
    switches.enable(EventType.CONNECTION);
    if (udp.isPresent()) {
      switches.enable(EventType.UDP);
    }
    programs.attach(cgroup);
    sayWhatIsMissing(programs.adopt());
  }

  void detach() {
    programs.detach();
  }

  /** Reads all sums, those of connections still open included. */
  void readSums(SumsSink sink) {
    programs.livePass().ifPresent(LivePass::run);
    sums.mirrorCounters(vitals);
    vitals.mirror(
        Vital.RECORDS_LOST_RING_FULL,
        switches.lost(EventType.CONNECTION) + switches.lost(EventType.UDP));
    sums.read(sink);
    udp.ifPresent(counts -> counts.read(sink));
  }

  /** How large everything bounded in the kernel is, and how full. */
  List<Gauge> gauges() {
    List<Gauge> gauges =
        new ArrayList<>(KernelGauges.of(config, programs, ring, sums, listenerCount));
    udp.ifPresent(counts -> gauges.addAll(counts.gauges(config)));
    return gauges;
  }

  /** What the programs cost, while the kernel counts that. */
  List<Readings> readings() {
    return programRunCount.readings();
  }

  /**
   * Puts filters in force.
   *
   * @throws ConfigException when they cannot be; then those before stay
   */
  void filter(FilterConfig filters) throws ConfigException {
    List<String> problems = programs.filters().apply(filters);
    if (!problems.isEmpty()) {
      throw new ConfigException(problems);
    }
    log.info(
        "filters: exclude %s, include %s, own traffic %s"
            .formatted(
                filters.exclude().isEmpty() ? "nothing" : filters.exclude(),
                filters.include().isEmpty() ? "everything else" : filters.include(),
                filters.ownTraffic().name().toLowerCase(Locale.ROOT)));
  }

  private void sayWhatIsMissing(int refusedNamespaces) {
    for (Extra extra : programs.missing()) {
      readiness.note(extra.label(), "no " + extra.purpose() + "; needs " + extra.needs());
      log.warn("this kernel cannot tell " + extra.purpose() + "; that needs " + extra.needs());
    }
    if (config.conntrack() == ConntrackUse.ASKED) {
      // The first lookup warns.
      FeatureProbe.conntrackRefusal()
          .ifPresent(
              e -> readiness.note("conntrack", "no original addresses by it; " + e.getMessage()));
    }
    if (refusedNamespaces > 0) {
      readiness.note(
          Extra.ADOPTION.label(),
          refusedNamespaces
              + " network namespaces could not be entered: connections there that are older than"
              + " this program are not seen; grant CAP_SYS_ADMIN and CAP_SYS_PTRACE");
    } else if (!programs.missing().contains(Extra.ADOPTION) && !programs.adoptsAllNamespaces()) {
      readiness.note(
          Extra.ADOPTION.label(),
          "processes outside this pid namespace are not visible: connections of their network"
              + " namespaces that are older than this program are not seen; run it in the host's"
              + " pid namespace (hostPID)");
    }
  }

  @Override
  public void close() {
    programRunCount.close();
    listenerCount.close();
    udp.ifPresent(UdpCounts::close);
    sums.close();
    switches.close();
    ring.close();
    programs.close();
  }
}
