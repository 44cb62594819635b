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
import io.meshlens.kernel.ConnectionReader;
import io.meshlens.kernel.Enrichment;
import io.meshlens.kernel.EventChannel;
import io.meshlens.kernel.EventType;
import io.meshlens.kernel.FeatureProbe;
import io.meshlens.kernel.FilterConfig;
import io.meshlens.kernel.KernelUnavailableException;
import io.meshlens.kernel.LivePass;
import io.meshlens.kernel.MonoClock;
import io.meshlens.kernel.UdpReader;
import io.meshlens.kernel.WatchedCgroup;
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
  private final WatchedCgroup cgroup;
  private final KernelSide kernel;
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
    threads = new Threads(readiness, log);
    readiness.hold(ATTACHED, "the kernel programs are not attached yet");
    FeatureProbe.requirePreconditions(config.kernel());
    cgroup = WatchedCgroup.of(config.kernel().cgroup());
    ConnectionIds ids = new ConnectionIds(bootId());
    // First, because it can fail without anything to undo.
    accessLogs = new AccessLogs(config.accessLog(), ids, version, stdout, clock, vitals, log);
    kernel = KernelSide.load(config.kernel(), cgroup, readiness, vitals, log);
    enrichment = Enrichment.of(config.kernel(), cgroup.directory(), clock::nowMonoNs, vitals, log);
    enrichment.refresh();
    identities =
        new IdentitySources(config.identity(), version, clock::nowMonoNs, readiness, vitals, log);
    enrichmentLoop = new EnrichmentLoop(enrichment, this::lookAround);
    mesh =
        new MeshMetrics(
            config.metrics(),
            kernel::readSums,
            named.orElseGet(identities::byAddress),
            kernel.sumsSince(),
            InstantSource.system(),
            clock::nowMonoNs,
            vitals,
            log);
    channel = events(identities.naming());
    ringLoop = new RingLoop(channel, kernel.ring(), clock);

    httpPool = Executors.newFixedThreadPool(TelemetryServer.THREADS, threads.pool("api"));
    Durations durations = new Durations();
    jvmReadings = new JvmReadings(durations);
    push = config.otlp().map(otlp -> new OtlpPush(otlp, clock::nowMonoNs, durations, vitals, log));
    metrics =
        new MetricsExport(
            new Instruments(mesh, vitals, gauges()),
            readings(),
            push,
            config.resource(),
            version,
            kernel.sumsSince(),
            OWN_SERIES,
            durations);
    server = listen(durations);
  }

  private TelemetryServer listen(Durations durations) throws IOException {
    try {
      return new TelemetryServer(
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

  private EventChannel events(Naming naming) {
    Consumer<Connection> enricher =
        c -> {
          enrichment.enrich(c);
          naming.name(c);
        };
    EventChannel events = new EventChannel(kernel.ring(), vitals);
    events.keepFor(accessLogs.stores());
    events.subscribe(EventType.CONNECTION, new ConnectionReader(sinks(), enricher, clock, vitals));
    events.subscribe(EventType.UDP, new UdpReader(accessLogs.sinks(), enricher, clock, vitals));
    return events;
  }

  private List<ConnectionSink> sinks() {
    List<ConnectionSink> sinks = new ArrayList<>(accessLogs.sinks());
    sinks.addAll(mesh.sinks());
    return sinks;
  }

  private List<Gauge> gauges() {
    List<Gauge> gauges = new ArrayList<>(kernel.gauges());
    gauges.addAll(accessLogs.gauges());
    gauges.addAll(identities.gauges());
    gauges.addAll(mesh.gauges());
    push.ifPresent(p -> gauges.add(new Gauge(SelfMetric.OTLP_WAITING, p::waitingPoints)));
    return gauges;
  }

  private List<Readings> readings() {
    List<Readings> readings = new ArrayList<>(jvmReadings.readings());
    readings.addAll(new ProcessReadings().readings());
    readings.addAll(kernel.readings());
    return readings;
  }

  private static String bootId() throws IOException {
    return Files.readString(BOOT_ID).strip();
  }

  /** Starts the threads, then attaches: from here on every connection is seen. */
  public void start() throws KernelUnavailableException, ConfigException {
    kernel.filters().setOwnListener(server.address());
    kernel.filter(config.filter());
    identities.start(threads);
    accessLogs.start(threads);
    ringThread = threads.start("ring-reader", ringLoop);
    enrichmentThread = threads.start("directory-watch", enrichmentLoop);
    accessLogs.switchEvents(kernel.switches());
    kernel.attach();
    kernel.livePass().ifPresent(pass -> liveThread = threads.start("live-pass", liveLoop(pass)));
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
    kernel.filter(filters);
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
    kernel.detach();
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
    kernel.filters().forgetOwnTraffic();
    server.close();
    httpPool.shutdownNow();
    jvmReadings.close();
    metrics.close();
    if (finished) {
      closeKernelSide();
      log.info(
          kernel.isPinned()
              ? "stopped; the kernel programs stay attached for the next start, until `meshlens"
                  + " detach`"
              : "stopped; everything detached");
    } else {
      log.warn("stopped at the deadline of shutdown.timeout; some records were not delivered");
    }
  }

  private void closeKernelSide() {
    enrichment.close();
    kernel.close();
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
