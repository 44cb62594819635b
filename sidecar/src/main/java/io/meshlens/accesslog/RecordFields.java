// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshlens.accesslog.RecordField.Kind;
import io.meshlens.flow.Address;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.Errno;
import io.meshlens.flow.Identity;
import io.meshlens.flow.Termination;
import io.meshlens.flow.Transport;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import java.util.function.ToLongFunction;

/**
 * Every field of a record by name: {@code connection}, {@code source}, {@code destination}, {@code
 * process}. Names are those of the JSON line; what that has at its top is in {@code connection}.
 */
final class RecordFields {
  static final String CONNECTION = "connection";
  static final String SOURCE = "source";
  static final String DESTINATION = "destination";
  static final String PROCESS = "process";

  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  private final Map<String, Map<String, RecordField>> byGroup = new LinkedHashMap<>();

  RecordFields(ConnectionIds ids) {
    List<RecordField> fields = new ArrayList<>();
    connection(fields, ids);
    counts(fields);
    end(fields, SOURCE, Connection::client, Connection::clientPort, c -> c.source);
    original(fields, SOURCE, c -> c.originPortOrZero, Connection::origin);
    end(fields, DESTINATION, Connection::reached, Connection::reachedPort, c -> c.destination);
    original(fields, DESTINATION, c -> c.dialledPortOrZero, Connection::dialled);
    process(fields);
    for (RecordField field : fields) {
      byGroup.computeIfAbsent(field.group(), g -> new LinkedHashMap<>()).put(field.name(), field);
    }
  }

  /** All groups, each with its fields by name, in the order of the reference. */
  Map<String, Map<String, RecordField>> byGroup() {
    return byGroup;
  }

  /** The field of a name such as {@code source.address}. */
  Optional<RecordField> find(String fullName) {
    int dot = fullName.indexOf('.');
    return dot < 0
        ? Optional.empty()
        : Optional.ofNullable(
            byGroup
                .getOrDefault(fullName.substring(0, dot), Map.of())
                .get(fullName.substring(dot + 1)));
  }

  List<String> fullNames() {
    return byGroup.values().stream()
        .flatMap(group -> group.values().stream())
        .map(RecordField::fullName)
        .toList();
  }

  private static void connection(List<RecordField> fields, ConnectionIds ids) {
    text(fields, CONNECTION, "id", ids::text);
    text(fields, CONNECTION, "event", c -> c.event.label());
    text(fields, CONNECTION, "direction", c -> c.direction.label());
    text(fields, CONNECTION, "reporter", c -> c.direction.reporter());
    text(fields, CONNECTION, "protocol", c -> c.transport.label());
    add(fields, CONNECTION, "time", Kind.TIME, c -> Optional.of(instant(c.endEpochNs)));
    add(
        fields,
        CONNECTION,
        "start_time",
        Kind.TIME,
        c -> c.adopted ? Optional.empty() : Optional.of(instant(c.startEpochNs())));
    add(
        fields,
        CONNECTION,
        "duration",
        Kind.DURATION,
        c -> c.adopted ? Optional.empty() : Optional.of(Duration.ofNanos(c.durationNs())));
    add(
        fields,
        CONNECTION,
        "duration_ns",
        Kind.INT,
        c -> c.adopted ? Optional.empty() : Optional.of(c.durationNs()));
    add(
        fields,
        CONNECTION,
        "connect_duration",
        Kind.DURATION,
        c -> c.connectNs() == 0 ? Optional.empty() : Optional.of(Duration.ofNanos(c.connectNs())));
    known(fields, CONNECTION, "connect_ns", Connection::connectNs);
    text(
        fields,
        CONNECTION,
        "termination",
        c -> c.termination == Termination.NONE ? "" : c.termination.label());
    text(fields, CONNECTION, "error", RecordFields::error);
  }

  /** The errno's name of a failed connection, or nothing. */
  static String error(Connection c) {
    return c.event == ConnectionEvent.FAILED && c.error != 0 && c.error != Errno.UNKNOWN
        ? Errno.name(c.error)
        : "";
  }

  private static void counts(List<RecordField> fields) {
    number(fields, "bytes_sent", c -> c.bytesSent);
    number(fields, "bytes_received", c -> c.bytesReceived);
    number(fields, "packets_sent", c -> c.packetsSent);
    number(fields, "packets_received", c -> c.packetsReceived);
    known(fields, CONNECTION, "rtt_us", c -> c.rttUs);
    add(
        fields,
        CONNECTION,
        "rtt_var_us",
        Kind.INT,
        c -> c.rttUs == 0 ? Optional.empty() : Optional.of(c.rttVarUs));
    known(fields, CONNECTION, "min_rtt_us", c -> c.minRttUs);
    ofTcp(fields, "retransmits", c -> c.retransmits);
    ofTcp(fields, "bytes_retransmitted", c -> c.bytesRetransmitted);
    ofTcp(fields, "syn_retransmits", c -> c.synRetransmits);
    ofTcp(fields, "timeouts", c -> c.timeouts);
    ofTcp(fields, "reordering_events", c -> c.reorderingEvents);
    ofTcp(fields, "segments_delivered", c -> c.segmentsDelivered);
    ofTcp(fields, "segments_lost", c -> c.segmentsLost);
    ofTcp(fields, "ecn_ce_segments", c -> c.ecnCeSegments);
    known(fields, CONNECTION, "rwnd_limited_us", c -> c.rwndLimitedUs);
  }

  private static void end(
      List<RecordField> fields,
      String group,
      Function<Connection, Address> address,
      ToIntFunction<Connection> port,
      Function<Connection, Identity> identity) {
    Function<Connection, String> addressText =
        c -> isNowhere(address.apply(c), port.applyAsInt(c)) ? "" : address.apply(c).text();
    text(fields, group, "address", addressText);
    add(
        fields,
        group,
        "port",
        Kind.INT,
        c ->
            isNowhere(address.apply(c), port.applyAsInt(c))
                ? Optional.empty()
                : Optional.of((long) port.applyAsInt(c)));
    Map<String, Function<Identity, String>> names = new LinkedHashMap<>();
    names.put("workload", Identity::workload);
    names.put("workload_kind", Identity::workloadKind);
    names.put("namespace", Identity::namespace);
    names.put("pod", Identity::pod);
    names.put("container", Identity::container);
    names.put("service", Identity::service);
    names.put("service_namespace", Identity::serviceNamespace);
    names.put("service_host", Identity::serviceHost);
    names.put("app", Identity::app);
    names.put("version", Identity::version);
    names.put("service_account", Identity::serviceAccount);
    names.put("trust_domain", Identity::trustDomain);
    names.put("node", Identity::node);
    names.put("cluster", Identity::cluster);
    names.put("network", Identity::network);
    names.forEach((name, of) -> text(fields, group, name, c -> of.apply(identity.apply(c))));
  }

  /** No address yet: the attempt ended before the socket was bound. */
  static boolean isNowhere(Address address, int port) {
    return port == 0 && address.high() == 0 && address.low() == 0;
  }

  private static void original(
      List<RecordField> fields,
      String group,
      ToIntFunction<Connection> portOrZero,
      Function<Connection, Address> address) {
    text(
        fields,
        group,
        "original_address",
        c -> portOrZero.applyAsInt(c) == 0 ? "" : address.apply(c).text());
    known(fields, group, "original_port", portOrZero::applyAsInt);
  }

  private static void process(List<RecordField> fields) {
    known(fields, PROCESS, "pid", c -> c.pid);
    text(fields, PROCESS, "comm", c -> new String(c.comm, 0, c.commLengthBytes, UTF_8));
    known(fields, PROCESS, "cgroup_id", c -> c.cgroupId);
    known(fields, PROCESS, "netns", c -> c.netns);
    text(fields, PROCESS, "container_id", c -> c.containerId);
  }

  private static Instant instant(long epochNs) {
    return Instant.ofEpochSecond(
        Math.floorDiv(epochNs, NANOS_PER_SECOND), Math.floorMod(epochNs, NANOS_PER_SECOND));
  }

  private static void number(List<RecordField> fields, String name, ToLongFunction<Connection> of) {
    add(fields, CONNECTION, name, Kind.INT, c -> Optional.of(of.applyAsLong(c)));
  }

  /** A number that only TCP has. */
  private static void ofTcp(List<RecordField> fields, String name, ToLongFunction<Connection> of) {
    add(
        fields,
        CONNECTION,
        name,
        Kind.INT,
        c -> c.transport == Transport.TCP ? Optional.of(of.applyAsLong(c)) : Optional.empty());
  }

  /** A number that is unknown when it is 0. */
  private static void known(
      List<RecordField> fields, String group, String name, ToLongFunction<Connection> of) {
    add(
        fields,
        group,
        name,
        Kind.INT,
        c -> of.applyAsLong(c) == 0 ? Optional.empty() : Optional.of(of.applyAsLong(c)));
  }

  /** A text that is unknown when it is empty. */
  private static void text(
      List<RecordField> fields, String group, String name, Function<Connection, String> of) {
    add(
        fields,
        group,
        name,
        Kind.TEXT,
        c -> Optional.of(of.apply(c)).filter(text -> !text.isEmpty()));
  }

  private static void add(
      List<RecordField> fields,
      String group,
      String name,
      Kind kind,
      Function<Connection, Optional<?>> value) {
    fields.add(new RecordField(group, name, kind, value));
  }
}
