// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.accesslog.JsonFormat;
import io.meshlens.app.AccessLogConfig.StdoutLog;
import io.meshlens.export.AlsExporter;
import io.meshlens.export.LogStream;
import io.meshlens.flow.ConnectionSink;
import io.meshlens.kernel.MonoClock;
import io.meshlens.vitals.Gauge;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.SelfMetric;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;

/** Every way out for records of connections, each with its thread. */
final class AccessLogs {
  /** One way out. */
  private record Outlet(String threadName, ConnectionSink sink, Runnable loop, Runnable end) {}

  private final List<Outlet> outlets = new ArrayList<>();
  private final List<Gauge> gauges = new ArrayList<>();
  private final List<Thread> threads = new ArrayList<>();

  /**
   * Nothing is written before {@link #start}.
   *
   * @param version of this program
   * @param stdout where JSON lines go
   * @throws IOException when a file that is needed cannot be used
   */
  AccessLogs(
      AccessLogConfig config,
      ConnectionIds ids,
      String version,
      OutputStream stdout,
      MonoClock clock,
      Vitals vitals,
      Log log)
      throws IOException {
    if (config.stdout() == StdoutLog.ON) {
      LogStream lines = new LogStream(new JsonFormat(ids), stdout, vitals, log);
      outlets.add(new Outlet("log-writer", lines, lines, lines::end));
    }
    if (config.als().isPresent()) {
      AlsExporter als =
          new AlsExporter(config.als().get(), version, ids, clock::nowMonoNs, vitals, log);
      outlets.add(new Outlet("export-als", als, als, als::end));
      gauges.add(new Gauge(SelfMetric.ALS_QUEUED, als::queued));
    }
  }

  List<ConnectionSink> sinks() {
    return outlets.stream().map(Outlet::sink).toList();
  }

  List<Gauge> gauges() {
    return List.copyOf(gauges);
  }

  void start(Threads starter) {
    outlets.forEach(o -> threads.add(starter.start(o.threadName(), o.loop())));
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
