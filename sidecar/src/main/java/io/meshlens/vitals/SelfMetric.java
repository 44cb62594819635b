// SPDX-License-Identifier: Apache-2.0
package io.meshlens.vitals;

import com.google.common.base.Splitter;
import java.util.List;

/**
 * Every self-telemetry metric beside the counters of {@link Vital}. docs/reference/metrics.md is
 * made of both; a test compares it with what a running program exports. Names of the JVM and the
 * process are OpenTelemetry's semantic conventions.
 */
public enum SelfMetric {
  RING_USED(
      "meshlens.ring.used",
      Kind.GAUGE,
      "By",
      "",
      "Bytes in the kernel's ring that are not read yet."),
  RING_SIZE("meshlens.ring.size", Kind.GAUGE, "By", "", "Size of the kernel's ring."),
  FILTER_RULES(
      "meshlens.filter.rules",
      Kind.GAUGE,
      "{rule}",
      "",
      "Rules of filter.exclude and filter.include in force."),
  SUMS_USED(
      "meshlens.sums.used",
      Kind.GAUGE,
      "{row}",
      "",
      "Rows of the kernel's map of sums that are in use."),
  SUMS_CAPACITY(
      "meshlens.sums.capacity",
      Kind.GAUGE,
      "{row}",
      "",
      "Rows that the kernel's map of sums can hold."),
  SERIES_USED(
      "meshlens.series.used",
      Kind.GAUGE,
      "{series}",
      "",
      "Label sets of the metrics about connections."),
  SERIES_CAPACITY(
      "meshlens.series.capacity",
      Kind.GAUGE,
      "{series}",
      "",
      "Label sets that they may have, beside the overflow."),
  SOCKETS_USED(
      "meshlens.sockets.used",
      Kind.GAUGE,
      "{socket}",
      "",
      "Sockets that were tracked at the last live pass."),
  SOCKETS_OVERFLOW(
      "meshlens.sockets.overflow",
      Kind.GAUGE,
      "{socket}",
      "",
      "Those among them that had no slot, so that each takes memory of its own."),
  SOCKETS_CAPACITY(
      "meshlens.sockets.capacity",
      Kind.GAUGE,
      "{socket}",
      "",
      "Sockets that may be tracked at a time."),
  LISTENERS_USED(
      "meshlens.listeners.used",
      Kind.GAUGE,
      "{listener}",
      "",
      "Places where a process listens or did, of which the kernel's programs know."),
  LISTENERS_CAPACITY(
      "meshlens.listeners.capacity",
      Kind.GAUGE,
      "{listener}",
      "",
      "Such places that they can know; the oldest give way."),
  UDP_FLOWS_USED(
      "meshlens.udp.flows.used",
      Kind.GAUGE,
      "{flow}",
      "",
      "UDP flows that were tracked at the last live pass."),
  UDP_FLOWS_CAPACITY(
      "meshlens.udp.flows.capacity",
      Kind.GAUGE,
      "{flow}",
      "",
      "UDP flows that may be tracked at a time."),
  UDP_SOCKETS_USED(
      "meshlens.udp.sockets.used",
      Kind.GAUGE,
      "{socket}",
      "",
      "UDP sockets that are known by more than one flow: bound, or not connected."),
  UDP_SOCKETS_CAPACITY(
      "meshlens.udp.sockets.capacity",
      Kind.GAUGE,
      "{socket}",
      "",
      "UDP sockets that may be known at a time."),
  UDP_SUMS_USED(
      "meshlens.udp.sums.used",
      Kind.GAUGE,
      "{row}",
      "",
      "Rows of the kernel's map of UDP sums that are in use."),
  UDP_SUMS_CAPACITY(
      "meshlens.udp.sums.capacity",
      Kind.GAUGE,
      "{row}",
      "",
      "Rows that the kernel's map of UDP sums can hold."),
  IDENTITY_KUBERNETES_ADDRESSES(
      "meshlens.identity.kubernetes.addresses",
      Kind.GAUGE,
      "{address}",
      "",
      "Addresses whose owner is known or remembered from source kubernetes."),
  IDENTITY_KUBERNETES_WAITING(
      "meshlens.identity.kubernetes.waiting",
      Kind.GAUGE,
      "{change}",
      "",
      "Changes from the Kubernetes API that are not applied yet."),
  IDENTITY_ISTIO_ADDRESSES(
      "meshlens.identity.istio.addresses",
      Kind.GAUGE,
      "{address}",
      "",
      "Addresses whose owner is known or remembered from source istio."),
  IDENTITY_ISTIO_CONNECTED(
      "meshlens.identity.istio.connected",
      Kind.GAUGE,
      "{stream}",
      "",
      "Streams of the control plane that answer."),
  IDENTITY_ISTIO_RESOURCES(
      "meshlens.identity.istio.resources",
      Kind.GAUGE,
      "{resource}",
      "",
      "Workloads and services that the control plane has told."),
  IDENTITY_ISTIO_CAPACITY(
      "meshlens.identity.istio.capacity",
      Kind.GAUGE,
      "{resource}",
      "",
      "Workloads and services that are kept at most."),
  IDENTITY_ISTIO_CLAIMED(
      "meshlens.identity.istio.claimed",
      Kind.GAUGE,
      "{address}",
      "",
      "Addresses that the control plane gives an owner."),
  IDENTITY_ISTIO_FOREIGN(
      "meshlens.identity.istio.foreign",
      Kind.GAUGE,
      "{address}",
      "",
      "Addresses of other networks, which give no names here."),
  IDENTITY_ISTIO_SHARED(
      "meshlens.identity.istio.shared",
      Kind.GAUGE,
      "{address}",
      "",
      "Addresses that workloads share with their node, so that they give no names."),
  IDENTITY_ISTIO_AMBIGUOUS(
      "meshlens.identity.istio.ambiguous",
      Kind.GAUGE,
      "{address}",
      "",
      "Addresses that are no single host's: ranges, loopback, link-local."),
  IDENTITY_ISTIO_DISPUTED(
      "meshlens.identity.istio.disputed",
      Kind.GAUGE,
      "{address}",
      "",
      "Addresses that several resources claim."),
  BPF_RUN_TIME(
      "meshlens.bpf.program.run_time",
      Kind.COUNTER,
      "s",
      "program",
      "Time that the kernel spent in each of its programs; counted, and present, only while"
          + " kernel.bpf_stats_enabled is on."),
  BPF_RUNS(
      "meshlens.bpf.program.runs",
      Kind.COUNTER,
      "{run}",
      "program",
      "Runs of each of the kernel's programs; likewise."),
  ALS_QUEUED(
      "meshlens.access_log.als.queued",
      Kind.GAUGE,
      "{entry}",
      "",
      "Connections that wait for being encoded for the access log service."),
  ALS_WAITING(
      "meshlens.access_log.als.waiting",
      Kind.GAUGE,
      "{entry}",
      "",
      "Entries that are encoded and that the access log service has not confirmed."),
  ALS_WAITING_SIZE(
      "meshlens.access_log.als.waiting.size",
      Kind.GAUGE,
      "By",
      "",
      "What they take, on disk or in memory."),
  OTLP_LOGS_QUEUED(
      "meshlens.access_log.otlp.queued",
      Kind.GAUGE,
      "{record}",
      "",
      "Connections that wait for being encoded as OTLP log records."),
  OTLP_LOGS_WAITING(
      "meshlens.access_log.otlp.waiting",
      Kind.GAUGE,
      "{record}",
      "",
      "Log records that are encoded and that the OTLP receiver has not confirmed."),
  OTLP_LOGS_WAITING_SIZE(
      "meshlens.access_log.otlp.waiting.size",
      Kind.GAUGE,
      "By",
      "",
      "What they take, on disk or in memory."),
  SPOOL_CAPACITY(
      "meshlens.access_log.spool.capacity",
      Kind.GAUGE,
      "By",
      "",
      "What may wait for each receiver, on disk or in memory."),
  OTLP_EXPORT_DURATION(
      "meshlens.otlp.export.duration",
      Kind.HISTOGRAM,
      "s",
      "outcome",
      "How long a push took with collection, all its requests and retries; outcome is succeeded or"
          + " failed."),
  OTLP_WAITING(
      "meshlens.otlp.waiting",
      Kind.GAUGE,
      "{point}",
      "",
      "Last values of series that are gone, which wait for the OTLP receiver."),
  SCRAPE_DURATION(
      "meshlens.scrape.duration",
      Kind.HISTOGRAM,
      "s",
      "",
      "How long an answer to a scrape of /metrics took, the scraper's reading included."),
  JVM_MEMORY_USED(
      "jvm.memory.used",
      Kind.UP_DOWN_COUNTER,
      "By",
      "jvm.memory.type jvm.memory.pool.name",
      "Memory of the JVM in use."),
  JVM_MEMORY_COMMITTED(
      "jvm.memory.committed",
      Kind.UP_DOWN_COUNTER,
      "By",
      "jvm.memory.type jvm.memory.pool.name",
      "Memory of the JVM that is reserved for it."),
  JVM_MEMORY_LIMIT(
      "jvm.memory.limit",
      Kind.UP_DOWN_COUNTER,
      "By",
      "jvm.memory.type jvm.memory.pool.name",
      "Most that a pool of the JVM's memory may become, where there is a limit."),
  JVM_MEMORY_USED_AFTER_LAST_GC(
      "jvm.memory.used_after_last_gc",
      Kind.UP_DOWN_COUNTER,
      "By",
      "jvm.memory.type jvm.memory.pool.name",
      "Memory of the JVM that was in use after the last collection of garbage in that pool."),
  JVM_BUFFER_MEMORY_USED(
      "jvm.buffer.memory.used",
      Kind.UP_DOWN_COUNTER,
      "By",
      "jvm.buffer.pool.name",
      "Memory in use by buffers outside of the heap."),
  JVM_GC_DURATION(
      "jvm.gc.duration",
      Kind.HISTOGRAM,
      "s",
      "jvm.gc.name jvm.gc.action",
      "How long collections of garbage took."),
  JVM_THREAD_COUNT(
      "jvm.thread.count",
      Kind.UP_DOWN_COUNTER,
      "{thread}",
      "jvm.thread.daemon",
      "Threads of the JVM that live."),
  JVM_CLASS_LOADED(
      "jvm.class.loaded", Kind.COUNTER, "{class}", "", "Classes loaded since the start."),
  JVM_CLASS_UNLOADED(
      "jvm.class.unloaded", Kind.COUNTER, "{class}", "", "Classes unloaded since the start."),
  JVM_CLASS_COUNT(
      "jvm.class.count", Kind.UP_DOWN_COUNTER, "{class}", "", "Classes that are loaded."),
  JVM_CPU_TIME(
      "jvm.cpu.time", Kind.COUNTER, "s", "", "Processor time of the process, as the JVM knows it."),
  JVM_CPU_COUNT(
      "jvm.cpu.count", Kind.UP_DOWN_COUNTER, "{cpu}", "", "Processors that the JVM may use."),
  PROCESS_CPU_TIME(
      "process.cpu.time",
      Kind.COUNTER,
      "s",
      "cpu.mode",
      "Processor time of the process; cpu.mode is user or system."),
  PROCESS_MEMORY_USAGE(
      "process.memory.usage",
      Kind.UP_DOWN_COUNTER,
      "By",
      "",
      "Memory of the process in use (resident set)."),
  PROCESS_OPEN_FILE_DESCRIPTOR_COUNT(
      "process.open_file_descriptor.count",
      Kind.UP_DOWN_COUNTER,
      "{file_descriptor}",
      "",
      "Descriptors that the process has open."),
  PROCESS_UPTIME("process.uptime", Kind.GAUGE, "s", "", "Time since the start of the process.");

  /** OpenTelemetry instrument kind. */
  public enum Kind {
    COUNTER("counter"),
    UP_DOWN_COUNTER("up-down counter"),
    GAUGE("gauge"),
    HISTOGRAM("histogram");

    private final String label;

    Kind(String label) {
      this.label = label;
    }

    public String label() {
      return label;
    }
  }

  private final String metric;
  private final Kind kind;
  private final String unit;
  private final String attributes;
  private final String help;

  SelfMetric(String metric, Kind kind, String unit, String attributes, String help) {
    this.metric = metric;
    this.kind = kind;
    this.unit = unit;
    this.attributes = attributes;
    this.help = help;
  }

  /** OpenTelemetry instrument name. */
  public String metric() {
    return metric;
  }

  public Kind kind() {
    return kind;
  }

  /** UCUM unit. */
  public String unit() {
    return unit;
  }

  /** Names of its attributes, in the order in which readings give their values. */
  public List<String> attributes() {
    return Splitter.on(' ').omitEmptyStrings().splitToList(attributes);
  }

  public String help() {
    return help;
  }

  /** Whether values are not whole numbers. */
  public boolean isFractional() {
    return unit.equals("s") || unit.equals("1");
  }
}
