// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.accesslog.ChoiceConfig;
import io.meshlens.accesslog.ChoiceVitals;
import io.meshlens.accesslog.ChosenRecords;
import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.accesslog.EventsConfig;
import io.meshlens.accesslog.EventsConfig.Opened;
import io.meshlens.accesslog.LineFormat;
import io.meshlens.accesslog.PeriodicRounds;
import io.meshlens.app.AccessLogConfig.Chosen;
import io.meshlens.app.AccessLogConfig.FileLog;
import io.meshlens.app.AccessLogConfig.Lines;
import io.meshlens.app.AccessLogConfig.StdoutLog;
import io.meshlens.app.AccessLogConfig.Way;
import io.meshlens.config.ConfigException;
import io.meshlens.export.AlsConfig;
import io.meshlens.export.Deliveries;
import io.meshlens.export.Delivery;
import io.meshlens.export.LogArchive;
import io.meshlens.export.LogFile;
import io.meshlens.export.LogStream;
import io.meshlens.export.OtlpLogConfig;
import io.meshlens.flow.ConnectionSink;
import io.meshlens.flow.RecordStore;
import io.meshlens.kernel.EventSwitches;
import io.meshlens.kernel.EventType;
import io.meshlens.kernel.MonoClock;
import io.meshlens.vitals.Gauge;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.SelfMetric;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Every way out for records of connections, each with its thread. */
final class AccessLogs {
  /** One way out, and which records it gets. */
  private record Outlet(
      String name, ConnectionSink sink, Chosen chosen, ChoiceVitals vitals, Runnable end) {}

  /** A thread behind an outlet, which ends after it. */
  private record Loop(String threadName, Runnable run) {}

  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  private final Log log;
  private final List<Outlet> outlets = new ArrayList<>();
  private final List<RecordStore> stores = new ArrayList<>();
  private final List<Loop> loops = new ArrayList<>();
  private final List<Gauge> gauges = new ArrayList<>();
  private final List<Thread> threads = new ArrayList<>();
  private final Map<String, ChosenRecords> chosen = new LinkedHashMap<>();
  private final Map<String, ChoiceConfig> choices = new LinkedHashMap<>();
  private final PeriodicRounds rounds;
  private Optional<LogFile> file = Optional.empty();

  /**
   * Nothing is written before {@link #start}, but a log file is opened.
   *
   * @param version of this program
   * @param stdout where lines go
   * @throws ConfigException when the file cannot be written
   * @throws IOException when a spool or another file cannot be used; the message says what to do
   */
  AccessLogs(
      AccessLogConfig config,
      ConnectionIds ids,
      String version,
      OutputStream stdout,
      MonoClock clock,
      Vitals vitals,
      Log log)
      throws ConfigException, IOException {
    this.log = log;
    if (config.stdout() == StdoutLog.ON) {
      LogStream lines = new LogStream(format(config.stdoutLines(), ids), stdout, vitals, log);
      loops.add(new Loop("log-writer", lines));
      outlets.add(
          new Outlet("stdout", lines, config.stdoutChosen(), ChoiceVitals.STDOUT, lines::end));
    }
    if (config.file().isPresent()) {
      addFile(config.file().get(), ids, vitals);
    }
    Deliveries deliveries =
        new Deliveries(
            config.spool(), version, clock::nowMonoNs, AccessLogs::nowEpochNs, vitals, log);
    if (config.als().isPresent()) {
      addAls(config.als().get(), deliveries, ids);
    }
    if (config.otlp().isPresent()) {
      addOtlp(config.otlp().get(), deliveries, ids);
    }
    if (config.als().isPresent() || config.otlp().isPresent()) {
      gauges.add(
          new Gauge(
              SelfMetric.SPOOL_CAPACITY,
              () ->
                  config.spool().directory().isPresent()
                      ? config.spool().maxBytes()
                      : config.spool().memoryBytes()));
    }
    rounds =
        new PeriodicRounds(
            outlets.stream()
                .map(Outlet::chosen)
                .map(Chosen::events)
                .map(EventsConfig::periodicInterval)
                .toList(),
            clock.nowMonoNs());
    for (Outlet outlet : outlets) {
      choose(outlet, ids, vitals);
    }
  }

  private void addAls(Way<AlsConfig> way, Deliveries deliveries, ConnectionIds ids)
      throws IOException {
    Delivery als = deliveries.toAccessLogService(way.receiver(), way.delivery(), ids);
    add("als", als, way.chosen(), ChoiceVitals.ALS, "spool-writer-als", "export-als");
    gauges(SelfMetric.ALS_QUEUED, SelfMetric.ALS_WAITING, SelfMetric.ALS_WAITING_SIZE, als);
  }

  private void addOtlp(Way<OtlpLogConfig> way, Deliveries deliveries, ConnectionIds ids)
      throws IOException {
    Delivery otlp = deliveries.toOtlp(way.receiver(), way.delivery(), ids);
    add("otlp", otlp, way.chosen(), ChoiceVitals.OTLP, "spool-writer-otlp", "export-otlp-logs");
    gauges(
        SelfMetric.OTLP_LOGS_QUEUED,
        SelfMetric.OTLP_LOGS_WAITING,
        SelfMetric.OTLP_LOGS_WAITING_SIZE,
        otlp);
  }

  private void add(
      String name,
      Delivery delivery,
      Chosen which,
      ChoiceVitals vitals,
      String writer,
      String exporter) {
    if (delivery.isDurable()) {
      stores.add(delivery);
    }
    loops.add(new Loop(writer, delivery::write));
    loops.add(new Loop(exporter, delivery::send));
    outlets.add(new Outlet(name, delivery, which, vitals, delivery::end));
  }

  private void gauges(SelfMetric queued, SelfMetric waiting, SelfMetric size, Delivery delivery) {
    gauges.add(new Gauge(queued, delivery::queued));
    gauges.add(new Gauge(waiting, delivery::waiting));
    gauges.add(new Gauge(size, delivery::waitingBytes));
  }

  private static long nowEpochNs() {
    Instant now = Instant.now();
    return Math.addExact(Math.multiplyExact(now.getEpochSecond(), NANOS_PER_SECOND), now.getNano());
  }

  private void addFile(FileLog config, ConnectionIds ids, Vitals vitals) throws ConfigException {
    LogArchive archive = new LogArchive(config.file(), vitals, log);
    LogFile opened;
    try {
      opened = new LogFile(config.file(), archive, InstantSource.system(), vitals, log);
    } catch (IOException e) {
      throw new ConfigException(
          List.of(
              "%s = \"%s\": expected a file that can be written, in a directory that exists: %s"
                  .formatted(LogFileSettings.PATH.name(), config.file().path(), e)));
    }
    file = Optional.of(opened);
    LogStream lines = new LogStream(format(config.lines(), ids), opened, vitals, log);
    loops.add(new Loop("log-file", lines));
    loops.add(new Loop("log-archive", archive));
    outlets.add(new Outlet("file", lines, config.chosen(), ChoiceVitals.FILE, lines::end));
  }

  private static LineFormat format(Lines lines, ConnectionIds ids) {
    return lines.style().format(lines.textFormat(), ids, lines.hostName());
  }

  private void choose(Outlet outlet, ConnectionIds ids, Vitals vitals) {
    choices.put(outlet.name(), outlet.chosen().choice());
    chosen.put(
        outlet.name(),
        new ChosenRecords(
            outlet.sink(),
            outlet.name(),
            outlet.chosen().events(),
            outlet.chosen().choice(),
            rounds,
            chosen.size(),
            ids,
            outlet.vitals(),
            vitals,
            log));
  }

  List<ConnectionSink> sinks() {
    return List.copyOf(chosen.values());
  }

  /** Has the kernel make records of connections that open, if one of them gets those. */
  void switchEvents(EventSwitches switches) {
    if (outlets.stream().anyMatch(o -> o.chosen().events().opened() == Opened.ON)) {
      switches.enable(EventType.CONNECTION_OPENED);
    } else {
      switches.disable(EventType.CONNECTION_OPENED); // an earlier process's switch may be pinned
    }
  }

  /** When which of them gets periodic records. */
  PeriodicRounds rounds() {
    return rounds;
  }

  /** From the next record on. Called by one thread at a time. */
  void change(Map<String, ChoiceConfig> changed) {
    chosen.forEach(
        (name, records) -> {
          ChoiceConfig choice = changed.getOrDefault(name, ChoiceConfig.ALL);
          if (!choice.equals(choices.put(name, choice))) {
            records.change(choice);
            log.info("access_log.%s has another choice of records: %s".formatted(name, choice));
          }
        });
  }

  /** Log files are opened anew by their names, soon. */
  void reopen() {
    file.ifPresent(LogFile::reopen);
  }

  /** Those that keep what they are given over the end of the process. */
  List<RecordStore> stores() {
    return List.copyOf(stores);
  }

  List<Gauge> gauges() {
    return List.copyOf(gauges);
  }

  void start(Threads starter) {
    loops.forEach(loop -> threads.add(starter.start(loop.threadName(), loop.run())));
  }

  /** No record comes any more: each finishes what it has. */
  void end() {
    outlets.forEach(o -> o.end().run());
  }

  /** Those that {@link #end} lets run out. */
  List<Thread> threads() {
    return List.copyOf(threads);
  }
}
