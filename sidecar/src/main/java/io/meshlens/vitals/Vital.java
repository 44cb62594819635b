// SPDX-License-Identifier: Apache-2.0
package io.meshlens.vitals;

/**
 * Every self-telemetry counter. Those that share a metric name are told apart by {@code cause};
 * docs/reference/metrics.md lists them and is checked against this enum.
 */
public enum Vital {
  RECORDS_READ("meshlens.records.read", "{record}", "", "Records read from the kernel's ring."),
  RECORDS_LOST_RING_FULL(
      "meshlens.records.lost",
      "{record}",
      "ring_full",
      "Connection records lost before they reached an access log; sums still hold their numbers."),
  RECORDS_LOST_UNKNOWN_KIND("meshlens.records.lost", "{record}", "unknown_kind", ""),
  RECORDS_LOST_TORN("meshlens.records.lost", "{record}", "torn", ""),
  CONNECTIONS_UNTRACKED_REFUSED(
      "meshlens.connections.untracked",
      "{connection}",
      "storage_refused",
      "Connections in no log and no metric, because there was no room for their state."),
  CONNECTIONS_UNTRACKED_FULL("meshlens.connections.untracked", "{connection}", "max_sockets", ""),
  CONNECTIONS_VANISHED(
      "meshlens.connections.vanished",
      "{connection}",
      "",
      "Connections whose end was not seen; what they carried since the last live pass is lost."),
  CONNECTIONS_FILTERED(
      "meshlens.connections.filtered",
      "{connection}",
      "rule",
      "Connections that are not watched, because a filter excludes them."),
  OWN_CONNECTIONS_FILTERED("meshlens.connections.filtered", "{connection}", "own_traffic", ""),
  UDP_UNTRACKED(
      "meshlens.udp.untracked",
      "{packet}",
      "max_flows",
      "Datagrams that are in the sums and in no record, because there was no room for their flow."),
  UDP_SOCKETS_UNKNOWN(
      "meshlens.udp.sockets.unknown",
      "{flow}",
      "max_flows",
      "UDP flows without an owner that end only by being idle, because there was no room for their"
          + " socket."),
  UDP_UNREADABLE(
      "meshlens.udp.unreadable",
      "{packet}",
      "",
      "Datagrams in no sum and no record, because their headers could not be read."),
  UDP_NOT_QUEUED(
      "meshlens.udp.not_queued",
      "{packet}",
      "",
      "Datagrams that the kernel dropped because the queue of their socket was full; they do not"
          + " count as received."),
  FILTER_RELOADS("meshlens.filter.reloads", "{reload}", "", "Changes of filters at run time."),
  FILTER_RELOADS_REFUSED(
      "meshlens.filter.reload.failures",
      "{reload}",
      "",
      "Changes of filters that were refused; the filters before stay."),
  LIVE_PASSES_FAILED(
      "meshlens.live_pass.failures",
      "{pass}",
      "",
      "Looks at open connections that failed; the next one catches up."),
  CONNTRACK_FAILED_LOOKUP(
      "meshlens.conntrack.failures",
      "{lookup}",
      "refused",
      "Lookups in netfilter's connection tracking that could not be made; original addresses of"
          + " such connections stay unknown."),
  CONNTRACK_FAILED_NAMESPACE("meshlens.conntrack.failures", "{lookup}", "namespace_gone", ""),
  CONTAINER_SCANS_FAILED(
      "meshlens.container.scan.failures",
      "{scan}",
      "",
      "Walks over the cgroups in search of containers that failed."),
  IDENTITY_HITS_KUBERNETES(
      "meshlens.identity.hits",
      "{lookup}",
      "kubernetes",
      "Addresses whose owner a source of identities knew."),
  IDENTITY_HITS_ISTIO("meshlens.identity.hits", "{lookup}", "istio", ""),
  IDENTITY_HITS_STATIC("meshlens.identity.hits", "{lookup}", "static", ""),
  IDENTITY_HITS_CONTAINER("meshlens.identity.hits", "{lookup}", "container", ""),
  IDENTITY_MISSES_KUBERNETES(
      "meshlens.identity.misses",
      "{lookup}",
      "kubernetes",
      "Addresses that a source of identities was asked for and did not know."),
  IDENTITY_MISSES_ISTIO("meshlens.identity.misses", "{lookup}", "istio", ""),
  IDENTITY_MISSES_STATIC("meshlens.identity.misses", "{lookup}", "static", ""),
  IDENTITY_UNKNOWN(
      "meshlens.identity.unknown", "{lookup}", "", "Addresses that no source of identities knew."),
  IDENTITY_OWNERS_FORGOTTEN(
      "meshlens.identity.forgotten",
      "{owner}",
      "limit",
      "Former owners of addresses that were forgotten early, because too many are remembered."),
  IDENTITY_FILE_RELOADS(
      "meshlens.identity.file.reloads", "{reload}", "", "Readings of the static file of names."),
  IDENTITY_FILE_REFUSED(
      "meshlens.identity.file.reload.failures",
      "{reload}",
      "",
      "Readings of the static file of names that were refused; the names before stay."),
  KUBERNETES_FAILED_REFUSED(
      "meshlens.identity.kubernetes.failures",
      "{request}",
      "forbidden",
      "Lists and watches of the Kubernetes API that failed; what was known before stays."),
  KUBERNETES_FAILED_UNAUTHORIZED(
      "meshlens.identity.kubernetes.failures", "{request}", "unauthorized", ""),
  KUBERNETES_FAILED_EXPIRED("meshlens.identity.kubernetes.failures", "{request}", "expired", ""),
  KUBERNETES_FAILED_GARBLED("meshlens.identity.kubernetes.failures", "{request}", "garbled", ""),
  KUBERNETES_FAILED_SILENT("meshlens.identity.kubernetes.failures", "{request}", "silent", ""),
  KUBERNETES_FAILED_OTHER("meshlens.identity.kubernetes.failures", "{request}", "other", ""),
  KUBERNETES_OBJECTS_REJECTED(
      "meshlens.identity.kubernetes.rejected",
      "{object}",
      "",
      "Objects of the Kubernetes API that lack what every one has; they are left out."),
  SUMS_FOLDED(
      "meshlens.sums.folded",
      "{addition}",
      "map_full",
      "Additions that went to the overflow series because the kernel's map of sums was full."),
  SUMS_READ_FAILED(
      "meshlens.sums.read.failures",
      "{read}",
      "",
      "Failed reads of the kernel's sums; the last good values stay."),
  SERIES_FOLDED(
      "meshlens.series.folded",
      "{addition}",
      "max_series",
      "Additions that went to the overflow series of metrics because metrics.max_series was"
          + " reached."),
  LABEL_VALUES_TRUNCATED(
      "meshlens.label_values.changed",
      "{value}",
      "too_long",
      "Values of attributes that were changed because receivers would not take them."),
  LABEL_VALUES_REPLACED("meshlens.label_values.changed", "{value}", "not_text", ""),
  LOG_LINES_WRITTEN(
      "meshlens.access_log.stdout.lines", "{line}", "", "Access log lines written to stdout."),
  LOG_LINES_LOST_QUEUE_FULL(
      "meshlens.access_log.stdout.lost",
      "{line}",
      "queue_full",
      "Access log lines that did not reach stdout."),
  LOG_LINES_LOST_WRITE_FAILED("meshlens.access_log.stdout.lost", "{line}", "write_failed", ""),
  STDOUT_LEFT_OUT_EVENT(
      "meshlens.access_log.stdout.left_out",
      "{record}",
      "event",
      "Records that this log was not to have, by its settings."),
  STDOUT_LEFT_OUT_FILTER("meshlens.access_log.stdout.left_out", "{record}", "filter", ""),
  STDOUT_LEFT_OUT_SAMPLING("meshlens.access_log.stdout.left_out", "{record}", "sampling", ""),
  STDOUT_LEFT_OUT_RATE_LIMIT("meshlens.access_log.stdout.left_out", "{record}", "rate_limit", ""),
  STDOUT_LEFT_OUT_DELTAS_FULL("meshlens.access_log.stdout.left_out", "{record}", "deltas_full", ""),
  STDOUT_FILTER_ERRORS(
      "meshlens.access_log.stdout.filter.errors",
      "{record}",
      "",
      "Records for which this log's filter had no value; they were kept."),
  FILE_LINES_WRITTEN(
      "meshlens.access_log.file.lines", "{line}", "", "Access log lines written to the file."),
  FILE_LINES_LOST_QUEUE_FULL(
      "meshlens.access_log.file.lost",
      "{line}",
      "queue_full",
      "Access log lines that did not reach the file."),
  FILE_LINES_LOST_DISK_FULL("meshlens.access_log.file.lost", "{line}", "disk_full", ""),
  FILE_LINES_LOST_WRITE_FAILED("meshlens.access_log.file.lost", "{line}", "write_failed", ""),
  FILE_ROTATIONS(
      "meshlens.access_log.file.rotations",
      "{rotation}",
      "",
      "Times that the access log file was put aside for a new one."),
  FILE_REOPENS(
      "meshlens.access_log.file.reopens",
      "{reopen}",
      "",
      "Times that the access log file was opened anew, by SIGHUP or because it was gone."),
  FILE_FAILURES(
      "meshlens.access_log.file.failures",
      "{attempt}",
      "",
      "Attempts to rotate, reopen, synchronize, compress or remove an access log file that"
          + " failed; no line is lost by it."),
  FILE_LEFT_OUT_EVENT(
      "meshlens.access_log.file.left_out",
      "{record}",
      "event",
      "Records that this log was not to have, by its settings."),
  FILE_LEFT_OUT_FILTER("meshlens.access_log.file.left_out", "{record}", "filter", ""),
  FILE_LEFT_OUT_SAMPLING("meshlens.access_log.file.left_out", "{record}", "sampling", ""),
  FILE_LEFT_OUT_RATE_LIMIT("meshlens.access_log.file.left_out", "{record}", "rate_limit", ""),
  FILE_LEFT_OUT_DELTAS_FULL("meshlens.access_log.file.left_out", "{record}", "deltas_full", ""),
  FILE_FILTER_ERRORS(
      "meshlens.access_log.file.filter.errors",
      "{record}",
      "",
      "Records for which this log's filter had no value; they were kept."),
  ALS_LEFT_OUT_EVENT(
      "meshlens.access_log.als.left_out",
      "{record}",
      "event",
      "Records that this log was not to have, by its settings."),
  ALS_LEFT_OUT_FILTER("meshlens.access_log.als.left_out", "{record}", "filter", ""),
  ALS_LEFT_OUT_SAMPLING("meshlens.access_log.als.left_out", "{record}", "sampling", ""),
  ALS_LEFT_OUT_RATE_LIMIT("meshlens.access_log.als.left_out", "{record}", "rate_limit", ""),
  ALS_LEFT_OUT_DELTAS_FULL("meshlens.access_log.als.left_out", "{record}", "deltas_full", ""),
  ALS_FILTER_ERRORS(
      "meshlens.access_log.als.filter.errors",
      "{record}",
      "",
      "Records for which this log's filter had no value; they were kept."),
  OTLP_LOGS_LEFT_OUT_EVENT(
      "meshlens.access_log.otlp.left_out",
      "{record}",
      "event",
      "Records that this log was not to have, by its settings."),
  OTLP_LOGS_LEFT_OUT_FILTER("meshlens.access_log.otlp.left_out", "{record}", "filter", ""),
  OTLP_LOGS_LEFT_OUT_SAMPLING("meshlens.access_log.otlp.left_out", "{record}", "sampling", ""),
  OTLP_LOGS_LEFT_OUT_RATE_LIMIT("meshlens.access_log.otlp.left_out", "{record}", "rate_limit", ""),
  OTLP_LOGS_LEFT_OUT_DELTAS_FULL(
      "meshlens.access_log.otlp.left_out", "{record}", "deltas_full", ""),
  OTLP_LOGS_FILTER_ERRORS(
      "meshlens.access_log.otlp.filter.errors",
      "{record}",
      "",
      "Records for which this log's filter had no value; they were kept."),
  ALS_ENTRIES_DELIVERED(
      "meshlens.access_log.als.delivered",
      "{entry}",
      "",
      "Access log entries whose stream the access log service confirmed."),
  ALS_ENTRIES_RESENT(
      "meshlens.access_log.als.resent",
      "{entry}",
      "",
      "Entries sent again because their stream broke before it was confirmed."),
  ALS_ENTRIES_LOST_QUEUE_FULL(
      "meshlens.access_log.als.lost",
      "{entry}",
      "queue_full",
      "Access log entries that were not delivered to the access log service."),
  ALS_ENTRIES_LOST_OLDEST("meshlens.access_log.als.lost", "{entry}", "oldest_dropped", ""),
  ALS_ENTRIES_LOST_NEWEST("meshlens.access_log.als.lost", "{entry}", "newest_dropped", ""),
  ALS_ENTRIES_LOST_UNREADABLE("meshlens.access_log.als.lost", "{entry}", "unreadable", ""),
  ALS_ENTRIES_LOST_REJECTED("meshlens.access_log.als.lost", "{entry}", "rejected", ""),
  ALS_ENTRIES_LOST_SHUTDOWN("meshlens.access_log.als.lost", "{entry}", "shutdown", ""),
  ALS_STREAMS_FAILED(
      "meshlens.access_log.als.stream.failures",
      "{stream}",
      "",
      "Streams to the access log service that ended with an error."),
  ALS_FAILOVERS(
      "meshlens.access_log.als.failovers",
      "{failover}",
      "",
      "Changes to another address of access_log.als.address."),
  ALS_TLS_RELOADED(
      "meshlens.access_log.als.tls.reloads",
      "{reload}",
      "",
      "Times that changed files of TLS for the access log service were put in force."),
  ALS_TLS_RELOAD_FAILED(
      "meshlens.access_log.als.tls.reload.failures",
      "{reload}",
      "",
      "Times that changed files of TLS could not be used; those before stay."),
  ALS_SPOOL_FAILED(
      "meshlens.access_log.als.spool.failures",
      "{operation}",
      "",
      "Reads and writes of its spool that the disk refused; records wait in memory meanwhile."),
  OTLP_LOGS_DELIVERED(
      "meshlens.access_log.otlp.delivered",
      "{record}",
      "",
      "Log records that the OTLP receiver confirmed."),
  OTLP_LOGS_RESENT(
      "meshlens.access_log.otlp.resent",
      "{record}",
      "",
      "Log records sent again because their export was not confirmed."),
  OTLP_LOGS_LOST_QUEUE_FULL(
      "meshlens.access_log.otlp.lost",
      "{record}",
      "queue_full",
      "Log records that were not delivered to the OTLP receiver."),
  OTLP_LOGS_LOST_OLDEST("meshlens.access_log.otlp.lost", "{record}", "oldest_dropped", ""),
  OTLP_LOGS_LOST_NEWEST("meshlens.access_log.otlp.lost", "{record}", "newest_dropped", ""),
  OTLP_LOGS_LOST_UNREADABLE("meshlens.access_log.otlp.lost", "{record}", "unreadable", ""),
  OTLP_LOGS_LOST_REJECTED("meshlens.access_log.otlp.lost", "{record}", "rejected", ""),
  OTLP_LOGS_LOST_SHUTDOWN("meshlens.access_log.otlp.lost", "{record}", "shutdown", ""),
  OTLP_LOGS_FAILED_UNREACHABLE(
      "meshlens.access_log.otlp.export.failures",
      "{export}",
      "unreachable",
      "Exports of log records that failed and are repeated."),
  OTLP_LOGS_FAILED_TLS("meshlens.access_log.otlp.export.failures", "{export}", "tls", ""),
  OTLP_LOGS_FAILED_TIMEOUT("meshlens.access_log.otlp.export.failures", "{export}", "timeout", ""),
  OTLP_LOGS_FAILED_UNAVAILABLE(
      "meshlens.access_log.otlp.export.failures", "{export}", "unavailable", ""),
  OTLP_LOGS_FAILED_REFUSED("meshlens.access_log.otlp.export.failures", "{export}", "refused", ""),
  OTLP_LOGS_FAILED_GARBAGE("meshlens.access_log.otlp.export.failures", "{export}", "garbage", ""),
  OTLP_LOGS_FAILED_ERROR("meshlens.access_log.otlp.export.failures", "{export}", "error", ""),
  OTLP_LOGS_TLS_RELOADED(
      "meshlens.access_log.otlp.tls.reloads",
      "{reload}",
      "",
      "Changes of the TLS files that were taken up."),
  OTLP_LOGS_TLS_RELOAD_FAILED(
      "meshlens.access_log.otlp.tls.reload.failures",
      "{reload}",
      "",
      "Looks at TLS files that could not be used; those before stay."),
  OTLP_LOG_SPOOL_FAILED(
      "meshlens.access_log.otlp.spool.failures",
      "{operation}",
      "",
      "Reads and writes of its spool that the disk refused; records wait in memory meanwhile."),
  OTLP_EXPORTS_SUCCEEDED(
      "meshlens.otlp.exports",
      "{export}",
      "",
      "Pushes of metrics that the OTLP receiver accepted."),
  OTLP_FAILED_UNREACHABLE(
      "meshlens.otlp.failures",
      "{export}",
      "unreachable",
      "Pushes of metrics that failed; the next one that succeeds carries their numbers."),
  OTLP_FAILED_TLS("meshlens.otlp.failures", "{export}", "tls", ""),
  OTLP_FAILED_TIMEOUT("meshlens.otlp.failures", "{export}", "timeout", ""),
  OTLP_FAILED_UNAVAILABLE("meshlens.otlp.failures", "{export}", "unavailable", ""),
  OTLP_FAILED_REFUSED("meshlens.otlp.failures", "{export}", "refused", ""),
  OTLP_FAILED_GARBAGE("meshlens.otlp.failures", "{export}", "garbage", ""),
  OTLP_FAILED_ERROR("meshlens.otlp.failures", "{export}", "error", ""),
  OTLP_RETRIES(
      "meshlens.otlp.retries", "{request}", "", "Requests that were sent again within a push."),
  OTLP_POINTS_SENT(
      "meshlens.otlp.points", "{point}", "", "Points in requests that the receiver accepted."),
  OTLP_POINTS_REJECTED(
      "meshlens.otlp.lost",
      "{point}",
      "rejected",
      "Points that the OTLP receiver does not have and does not get again."),
  OTLP_POINTS_LOST("meshlens.otlp.lost", "{point}", "waiting_full", ""),
  OTLP_TLS_RELOADED(
      "meshlens.otlp.tls.reloads", "{reload}", "", "Changes of the TLS files that were taken up."),
  OTLP_TLS_RELOAD_FAILED(
      "meshlens.otlp.tls.reload.failures",
      "{reload}",
      "",
      "Looks at TLS files that could not be used; those before stay."),
  SCRAPES_REFUSED(
      "meshlens.scrape.refused",
      "{scrape}",
      "busy",
      "Scrapes of /metrics that were refused, because as many as may were under way."),
  SCRAPES_FAILED("meshlens.scrape.failures", "{scrape}", "", "Scrapes of /metrics that broke off."),
  ISTIO_RESPONSES(
      "meshlens.identity.istio.responses",
      "{response}",
      "",
      "Responses of the Istio control plane that were taken."),
  ISTIO_REFUSED_UNDECODABLE(
      "meshlens.identity.istio.refused",
      "{resource}",
      "undecodable",
      "Workloads and services of the Istio control plane that give no names; those of the same name"
          + " before stay in force."),
  ISTIO_REFUSED_KIND("meshlens.identity.istio.refused", "{resource}", "unknown_kind", ""),
  ISTIO_REFUSED_ADDRESS("meshlens.identity.istio.refused", "{resource}", "address", ""),
  ISTIO_REFUSED_TEXT("meshlens.identity.istio.refused", "{resource}", "text", ""),
  ISTIO_REFUSED_NAME("meshlens.identity.istio.refused", "{resource}", "name_clash", ""),
  ISTIO_REFUSED_LIMIT("meshlens.identity.istio.refused", "{resource}", "limit", ""),
  ISTIO_ADDRESSES_DISPUTED(
      "meshlens.identity.istio.disputes",
      "{address}",
      "",
      "Times that an address came to belong to several workloads or services; the latest has it, and"
          + " nobody where they came at once."),
  ISTIO_STREAMS_FAILED_CREDENTIALS(
      "meshlens.identity.istio.stream.failures",
      "{stream}",
      "credentials",
      "Streams of the Istio control plane that could not be made or broke; names stay as they"
          + " were."),
  ISTIO_STREAMS_FAILED_REFUSED(
      "meshlens.identity.istio.stream.failures", "{stream}", "refused", ""),
  ISTIO_STREAMS_FAILED_SILENT("meshlens.identity.istio.stream.failures", "{stream}", "silent", ""),
  ISTIO_STREAMS_FAILED_BROKEN("meshlens.identity.istio.stream.failures", "{stream}", "broken", "");

  private final String metric;
  private final String unit;
  private final String cause;
  private final String help;

  Vital(String metric, String unit, String cause, String help) {
    this.metric = metric;
    this.unit = unit;
    this.cause = cause;
    this.help = help;
  }

  /** OpenTelemetry instrument name. */
  public String metric() {
    return metric;
  }

  /** UCUM unit. */
  public String unit() {
    return unit;
  }

  /** Value of the attribute {@code cause}; empty when the metric has none. */
  public String cause() {
    return cause;
  }

  /** Whether the kernel programs count it, so that it may be older than this process. */
  public boolean isKernels() {
    return switch (this) {
      case RECORDS_LOST_RING_FULL,
          CONNECTIONS_UNTRACKED_REFUSED,
          CONNECTIONS_UNTRACKED_FULL,
          CONNECTIONS_VANISHED,
          CONNECTIONS_FILTERED,
          OWN_CONNECTIONS_FILTERED,
          UDP_UNTRACKED,
          UDP_SOCKETS_UNKNOWN,
          UDP_UNREADABLE,
          UDP_NOT_QUEUED,
          SUMS_FOLDED ->
          true;
      default -> false;
    };
  }

  /** Description; given once for each metric name, by its first constant. */
  public String help() {
    return help;
  }
}
