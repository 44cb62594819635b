// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.accesslog.ChoiceConfig;
import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.api.Scrapes;
import io.meshlens.api.TelemetryServer;
import io.meshlens.config.ConfigException;
import io.meshlens.enrich.Naming;
import io.meshlens.export.Instruments;
import io.meshlens.export.MetricsExport;
import io.meshlens.export.OtlpPush;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionSink;
import io.meshlens.flow.Identities;
import io.meshlens.flow.SumsSink;
import io.meshlens.kernel.ConnectionReader;
import io.meshlens.kernel.Enrichment;
import io.meshlens.kernel.EventChannel;
import io.meshlens.kernel.EventSwitches;
import io.meshlens.kernel.EventType;
import io.meshlens.kernel.Extra;
import io.meshlens.kernel.FeatureProbe;
import io.meshlens.kernel.FilterConfig;
import io.meshlens.kernel.KernelConfig.ConntrackUse;
import io.meshlens.kernel.KernelPrograms;
import io.meshlens.kernel.KernelUnavailableException;
import io.meshlens.kernel.ListenerCount;
import io.meshlens.kernel.LivePass;
import io.meshlens.kernel.MonoClock;
import io.meshlens.kernel.Pins;
import io.meshlens.kernel.ProgramRunCount;
import io.meshlens.kernel.SumsReader;
import io.meshlens.kernel.UdpReader;
import io.meshlens.kernel.WatchedCgroup;
import io.meshlens.libbpf.RingBuffer;
import io.meshlens.metrics.MeshMetrics;
import io.meshlens.vitals.Durations;
import io.meshlens.vitals.Gauge;
import io.meshlens.vitals.JvmReadings;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.ProcessReadings;
import io.meshlens.vitals.Readiness;
import io.meshlens.vitals.Readings;
import io.meshlens.vitals.SelfMetric;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The running program: every room joined, every thread started, and all of it taken down again in
 * order.
 */
public final class Sidecar implements AutoCloseable {
  private static final String ATTACHED = "kernel";
  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

  /** More than any metric of the program itself has series. */
  private static final int OWN_SERIES = 256;

  private final SidecarConfig config;
  private final Log log;
  private final Vitals vitals = new Vitals();
  private final Readiness readiness = new Readiness();
  private final MonoClock clock = MonoClock.system();
  private final Threads threads;
  private final ExecutorService httpPool;
  private final Optional<OtlpPush> push;
  private final JvmReadings jvmReadings;
  private final ProgramRunCount programRunCount;
  private final WatchedCgroup cgroup;
  private final KernelPrograms programs;
  private final RingBuffer ring;
  private final SumsReader sumsReader;
  private final Optional<UdpCounts> udp;
  private final EventSwitches switches;
  private final ListenerCount listenerCount;
  private final MeshMetrics mesh;
  private final MetricsExport metrics;
  private final TelemetryServer server;
  private final AccessLogs accessLogs;
  private final Enrichment enrichment;
  private final EnrichmentLoop enrichmentLoop;
  private final IdentitySources identities;
  private final EventChannel channel;
  private final RingLoop ringLoop;
  private @Nullable Thread ringThread;
  private @Nullable Thread liveThread;
  private @Nullable Thread enrichmentThread;
  private @Nullable Thread pushThread;
  private @Nullable LiveLoop liveLoop;

  /** The same with what the configured sources know. */
  public Sidecar(SidecarConfig config, String version, OutputStream stdout, Log log)
      throws KernelUnavailableException, ConfigException, IOException {
    this(config, Optional.empty(), version, stdout, log);
  }

  /**
   * Loads the kernel programs and binds the listener; nothing is watched yet.
   *
   * @param named who addresses belong to in metrics, in place of what the configured sources know
   * @param stdout where access log lines go
   * @throws KernelUnavailableException when the kernel or our permission does not suffice
   * @throws ConfigException when an access log cannot be written
   * @throws IOException when the telemetry address cannot be bound
   */
  public Sidecar(
      SidecarConfig config,
      Optional<Identities> named,
      String version,
      OutputStream stdout,
      Log log)
      throws KernelUnavailableException, ConfigException, IOException {
    this.config = config;
    this.log = log;
    threads = new Threads(log);
    readiness.hold(ATTACHED, "the kernel programs are not attached yet");
    FeatureProbe.requirePreconditions(config.kernel());
    cgroup = WatchedCgroup.of(config.kernel().cgroup());
    ConnectionIds ids = new ConnectionIds(bootId());
    // First, because it can fail without anything to undo.
    accessLogs = new AccessLogs(config.accessLog(), ids, version, stdout, clock, vitals, log);
    Optional<Pins> pins = pins();
    programs = KernelPrograms.load(config.kernel(), cgroup, pins);
    ring = programs.mapRing();
    sumsReader = programs.sumsReader();
    udp = programs.watchesUdp() ? Optional.of(new UdpCounts(programs)) : Optional.empty();
    switches = programs.eventSwitches();
    listenerCount = programs.listenerCount();
    enrichment = Enrichment.of(config.kernel(), cgroup.directory(), clock::nowMonoNs, vitals, log);
    enrichment.refresh();
    identities =
        new IdentitySources(config.identity(), version, clock::nowMonoNs, readiness, vitals, log);
    enrichmentLoop = new EnrichmentLoop(enrichment, this::lookAround);
    mesh =
        new MeshMetrics(
            config.metrics(),
            this::readSums,
            named.orElseGet(identities::byAddress),
            programs.sumsSince(),
            InstantSource.system(),
            vitals,
            log);
    Naming naming = identities.naming();
    Consumer<Connection> enricher =
        c -> {
          enrichment.enrich(c);
          naming.name(c);
        };
    channel = new EventChannel(ring, vitals);
    channel.keepFor(accessLogs.stores());
    channel.subscribe(EventType.CONNECTION, new ConnectionReader(sinks(), enricher, clock, vitals));
    channel.subscribe(EventType.UDP, new UdpReader(accessLogs.sinks(), enricher, clock, vitals));
    ringLoop = new RingLoop(channel, ring, clock);

    httpPool = Executors.newFixedThreadPool(TelemetryServer.THREADS, threads.pool("api"));
    Durations durations = new Durations();
    jvmReadings = new JvmReadings(durations);
    programRunCount = programs.programRunCount();
    push = config.otlp().map(otlp -> new OtlpPush(otlp, clock::nowMonoNs, durations, vitals, log));
    metrics =
        new MetricsExport(
            new Instruments(mesh, vitals, gauges()),
            readings(),
            push,
            config.resource(),
            version,
            programs.sumsSince(),
            OWN_SERIES,
            durations);
    try {
      server =
          new TelemetryServer(
              config.telemetryAddress(),
              metrics.prometheusRegistry(),
              readiness,
              httpPool,
              new Scrapes(clock::nowMonoNs, durations, vitals));
    } catch (IOException e) {
      closeKernelSide();
      throw e;
    }
  }

  /** Where programs and sums outlive this process; says what it found there. */
  private Optional<Pins> pins() throws KernelUnavailableException {
    Optional<Path> root = Pins.root(config.kernel());
    if (root.isEmpty()) {
      return Optional.empty();
    }
    Pins pins = Pins.open(root.get(), config.kernel(), cgroup);
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

  private List<ConnectionSink> sinks() {
    List<ConnectionSink> sinks = new ArrayList<>(accessLogs.sinks());
    sinks.addAll(mesh.sinks());
    return sinks;
  }

  private void readSums(SumsSink sink) {
    programs.livePass().ifPresent(LivePass::run);
    sumsReader.mirrorCounters(vitals);
    vitals.mirror(
        Vital.RECORDS_LOST_RING_FULL,
        switches.lost(EventType.CONNECTION) + switches.lost(EventType.UDP));
    sumsReader.read(sink);
    udp.ifPresent(counts -> counts.read(sink));
  }

  private List<Gauge> gauges() {
    List<Gauge> gauges =
        new ArrayList<>(
            KernelGauges.of(config.kernel(), programs, ring, sumsReader, listenerCount));
    udp.ifPresent(counts -> gauges.addAll(counts.gauges(config.kernel())));
    gauges.addAll(accessLogs.gauges());
    gauges.addAll(identities.gauges());
    gauges.addAll(mesh.gauges());
    push.ifPresent(p -> gauges.add(new Gauge(SelfMetric.OTLP_WAITING, p::waitingPoints)));
    return gauges;
  }

  private List<Readings> readings() {
    List<Readings> readings = new ArrayList<>(jvmReadings.readings());
    readings.addAll(new ProcessReadings().readings());
    readings.addAll(programRunCount.readings());
    return readings;
  }

  private static String bootId() throws IOException {
    return Files.readString(BOOT_ID).strip();
  }

  /** Starts the threads, then attaches: from here on every connection is seen. */
  public void start() throws KernelUnavailableException, ConfigException {
    programs.filters().setOwnListener(server.address());
    filter(config.filter());
    identities.start(threads);
    accessLogs.start(threads);
    ringThread = threads.start("ring-reader", ringLoop);
    enrichmentThread = threads.start("directory-watch", enrichmentLoop);
    switches.enable(EventType.CONNECTION);
    if (udp.isPresent()) {
      switches.enable(EventType.UDP);
    }
    accessLogs.switchEvents(switches);
    programs.attach(cgroup);
    sayWhatIsMissing(programs.adopt());
    programs.livePass().ifPresent(pass -> liveThread = threads.start("live-pass", liveLoop(pass)));
    push.ifPresent(p -> pushThread = threads.start("export-otlp", p));
    readiness.release(ATTACHED);
    log.info("watching the connections of " + cgroup.directory());
    log.info("metrics on http://%s/metrics".formatted(telemetryAddress()));
  }

  private void lookAround() {
    lookAtCgroup();
    identities.lookAtFile();
  }

  /** The kernel detaches the programs of a cgroup that is removed; nothing tells of it. */
  private void lookAtCgroup() {
    if (!cgroup.exists()) {
      String gone = "the watched cgroup " + cgroup.directory() + " is gone: nothing is watched";
      readiness.hold(ATTACHED, gone);
      log.warnRepeated("cgroup", gone + "; start again when there is one");
    }
  }

  private LiveLoop liveLoop(LivePass pass) {
    LiveLoop loop = new LiveLoop(pass, accessLogs.rounds(), clock, vitals, log);
    liveLoop = loop;
    return loop;
  }

  private void sayWhatIsMissing(int refusedNamespaces) {
    for (Extra extra : programs.missing()) {
      readiness.note(extra.label(), "no " + extra.purpose() + "; needs " + extra.needs());
      log.warn("this kernel cannot tell " + extra.purpose() + "; that needs " + extra.needs());
    }
    if (config.kernel().conntrack() == ConntrackUse.ASKED) {
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

  /** HOST:PORT of the telemetry listener as bound. */
  public String telemetryAddress() {
    return server.address().getAddress().getHostAddress() + ":" + server.address().getPort();
  }

  /**
   * Puts other filters in force. Connections that are watched stay so to their end.
   *
   * @throws ConfigException when they cannot be; then those before stay
   */
  public void changeFilters(FilterConfig filters) throws ConfigException {
    filter(filters);
    vitals.increment(Vital.FILTER_RELOADS);
  }

  /** Reads the static file of names again; one with a problem changes nothing. */
  public void rereadNames() {
    identities.reload();
  }

  /** Has log files opened anew by their names, soon. */
  public void reopenLogs() {
    accessLogs.reopen();
  }

  /**
   * Chooses otherwise which records each log gets, from the next one on.
   *
   * @param choices without problems, by the log's name
   */
  public void changeChoices(Map<String, ChoiceConfig> choices) {
    accessLogs.change(choices);
  }

  /** Other filters were wanted, which are not valid. */
  public void countRefusedFilters() {
    vitals.increment(Vital.FILTER_RELOADS_REFUSED);
  }

  private void filter(FilterConfig filters) throws ConfigException {
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

  /**
   * Takes everything down within {@code shutdown.timeout}:
   *
   * <ol>
   *   <li>detach: no new records are made
   *   <li>the ring reader drains the ring and ends
   *   <li>a last push of metrics, from sums that are now final, in half of the time left
   *   <li>the log writer, the spool writers and the exporters finish what they have
   *   <li>the listener closes, maps and programs are freed
   * </ol>
   *
   * That something could not be finished in time is said.
   */
  @Override
  public void close() {
    readiness.hold(ATTACHED, "shutting down");
    long deadlineNs = clock.nowMonoNs() + config.shutdownTimeout().toNanos();
    LiveLoop live = liveLoop;
    if (live != null) {
      live.end();
    }
    enrichmentLoop.end();
    identities.end();
    programs.detach();
    ringLoop.end();
    boolean finished = join(ringThread, deadlineNs);
    accessLogs.end();
    mesh.end();
    push.ifPresent(p -> p.end(left(deadlineNs).dividedBy(2)));
    finished &= join(pushThread, deadlineNs);
    finished &= join(liveThread, deadlineNs);
    finished &= join(enrichmentThread, deadlineNs);
    for (Thread thread : identities.threads()) {
      finished &= join(thread, deadlineNs);
    }
    identities.close();
    for (Thread thread : accessLogs.threads()) {
      finished &= join(thread, deadlineNs);
    }
    if (finished) {
      channel.releaseRest();
    }
    programs.filters().forgetOwnTraffic();
    server.close();
    httpPool.shutdownNow();
    jvmReadings.close();
    metrics.close();
    if (finished) {
      closeKernelSide();
      log.info(
          programs.isPinned()
              ? "stopped; the kernel programs stay attached for the next start, until `meshlens"
                  + " detach`"
              : "stopped; everything detached");
    } else {
      log.warn("stopped at the deadline of shutdown.timeout; some records were not delivered");
    }
  }

  private void closeKernelSide() {
    programRunCount.close();
    enrichment.close();
    listenerCount.close();
    udp.ifPresent(UdpCounts::close);
    sumsReader.close();
    switches.close();
    ring.close();
    programs.close();
  }

  private Duration left(long deadlineNs) {
    return Duration.ofNanos(Math.max(0, deadlineNs - clock.nowMonoNs()));
  }

  private boolean join(@Nullable Thread thread, long deadlineNs) {
    try {
      return thread == null || Threads.join(thread, left(deadlineNs));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
