// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import io.meshlens.flow.Address;
import io.meshlens.flow.Identity;
import io.meshlens.flow.Transport;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** The attributes of each profile, in the order in which they are written. */
final class Columns {
  static final String REPORTER = "reporter";

  private static final String NETWORK_TRANSPORT = "network.transport";
  private static final String DESTINATION_PORT = "destination.port";

  /** What ztunnel writes for a value that it does not have. */
  private static final String ISTIO_UNKNOWN = "unknown";

  private static final String KMESH_UNKNOWN = "-";

  static final List<Column> OTEL = otel();
  static final List<Column> OTEL_UDP = otelUdp();
  static final List<Column> ISTIO = istio();
  static final List<Column> KMESH_SERVICE = standard(KMESH_UNKNOWN);
  static final List<Column> KMESH_WORKLOAD = kmeshWorkload();

  private Columns() {}

  private static Column reporter() {
    return new Column(REPORTER, "", Detail.NAMESPACE, e -> e.reporter().reporter());
  }

  private static Object text(Address address) {
    // Attempts of sockets that never had an address.
    return address.isUnspecified() ? "" : address.text();
  }

  private static List<Column> otel() {
    List<Column> columns = new ArrayList<>();
    columns.add(reporter());
    columns.add(new Column(NETWORK_TRANSPORT, "", Detail.NAMESPACE, e -> Transport.TCP.label()));
    columns.add(new Column("source.address", "", Detail.ADDRESS, e -> text(e.client())));
    columns.add(new Column("destination.address", "", Detail.ADDRESS, e -> text(e.server())));
    columns.add(new Column(DESTINATION_PORT, "", Detail.WORKLOAD, e -> (long) e.serverPort()));
    columns.addAll(otelEnd("source.", Ends::source));
    columns.addAll(otelEnd("destination.", Ends::destination));
    columns.add(
        otel("destination.k8s.service.name", Detail.SERVICE, e -> e.destination().service()));
    columns.add(
        otel(
            "destination.k8s.service.namespace",
            Detail.SERVICE,
            e -> e.destination().serviceNamespace()));
    return List.copyOf(columns);
  }

  /** Of UDP; port 0 is one that nobody chose. */
  private static List<Column> otelUdp() {
    return OTEL.stream()
        .map(
            column ->
                switch (column.name()) {
                  case NETWORK_TRANSPORT ->
                      new Column(
                          NETWORK_TRANSPORT, "", column.coarsest(), e -> Transport.UDP.label());
                  case DESTINATION_PORT ->
                      new Column(
                          DESTINATION_PORT,
                          "",
                          column.coarsest(),
                          e -> e.serverPort() == 0 ? "" : (Object) (long) e.serverPort());
                  default -> column;
                })
        .toList();
  }

  private static Column otel(String name, Detail coarsest, Function<Ends, Object> value) {
    return new Column(name, "", coarsest, value);
  }

  private static List<Column> otelEnd(String prefix, Function<Ends, Identity> end) {
    return List.of(
        of(prefix + "k8s.cluster.name", "", Detail.NAMESPACE, end, Identity::cluster),
        of(prefix + "k8s.namespace.name", "", Detail.NAMESPACE, end, Identity::namespace),
        of(prefix + "k8s.workload.name", "", Detail.WORKLOAD, end, Identity::workload),
        of(prefix + "k8s.workload.kind", "", Detail.WORKLOAD, end, Identity::workloadKind),
        of(prefix + "k8s.pod.name", "", Detail.ADDRESS, end, Identity::pod),
        of(prefix + "k8s.node.name", "", Detail.ADDRESS, end, Identity::node),
        of(prefix + "container.name", "", Detail.ADDRESS, end, Identity::container),
        of(prefix + "service.name", "", Detail.SERVICE, end, Identity::app),
        of(prefix + "service.version", "", Detail.WORKLOAD, end, Identity::version));
  }

  private static Column of(
      String name,
      String unknown,
      Detail coarsest,
      Function<Ends, Identity> end,
      Function<Identity, String> field) {
    return new Column(name, unknown, coarsest, e -> field.apply(end.apply(e)));
  }

  /**
   * Istio's set. A principal is the name that a TLS handshake has proven: nobody here sees one, so
   * it is unknown.
   */
  private static List<Column> standard(String unknown) {
    List<Column> columns = new ArrayList<>();
    columns.add(reporter());
    columns.addAll(standardEnd("source_", unknown, Ends::source));
    columns.addAll(service(unknown));
    columns.addAll(standardEnd("destination_", unknown, Ends::destination));
    columns.addAll(constants(unknown));
    return List.copyOf(columns);
  }

  private static List<Column> standardEnd(
      String prefix, String unknown, Function<Ends, Identity> end) {
    return List.of(
        of(prefix + "workload", unknown, Detail.WORKLOAD, end, Identity::workload),
        of(prefix + "canonical_service", unknown, Detail.SERVICE, end, Identity::app),
        of(prefix + "canonical_revision", unknown, Detail.WORKLOAD, end, Identity::version),
        of(prefix + "workload_namespace", unknown, Detail.NAMESPACE, end, Identity::namespace),
        of(prefix + "principal", unknown, Detail.WORKLOAD, end, identity -> ""),
        of(prefix + "app", unknown, Detail.SERVICE, end, Identity::app),
        of(prefix + "version", unknown, Detail.WORKLOAD, end, Identity::version),
        of(prefix + "cluster", unknown, Detail.NAMESPACE, end, Identity::cluster));
  }

  private static List<Column> service(String unknown) {
    Function<Ends, Identity> end = Ends::destination;
    return List.of(
        of("destination_service", unknown, Detail.SERVICE, end, Identity::serviceHost),
        of(
            "destination_service_namespace",
            unknown,
            Detail.NAMESPACE,
            end,
            Identity::serviceNamespace),
        of("destination_service_name", unknown, Detail.SERVICE, end, Identity::service));
  }

  private static List<Column> constants(String unknown) {
    return List.of(
        new Column("request_protocol", unknown, Detail.NAMESPACE, e -> "tcp"),
        new Column("connection_security_policy", "unknown", Detail.NAMESPACE, e -> ""));
  }

  /**
   * ztunnel takes the destination's principal from the control plane and only the source's from the
   * handshake; dashboards show it.
   */
  private static List<Column> istio() {
    return standard(ISTIO_UNKNOWN).stream()
        .map(
            column ->
                column.name().equals("destination_principal")
                    ? of(
                        column.name(),
                        ISTIO_UNKNOWN,
                        Detail.WORKLOAD,
                        Ends::destination,
                        Columns::principal)
                    : column)
        .toList();
  }

  private static String principal(Identity identity) {
    return identity.trustDomain().isEmpty() || identity.serviceAccount().isEmpty()
        ? ""
        : "spiffe://%s/ns/%s/sa/%s"
            .formatted(identity.trustDomain(), identity.namespace(), identity.serviceAccount());
  }

  private static List<Column> kmeshWorkload() {
    List<Column> columns = new ArrayList<>();
    columns.add(reporter());
    columns.addAll(standardEnd("source_", KMESH_UNKNOWN, Ends::source));
    columns.add(
        new Column(
            "destination_pod_address", KMESH_UNKNOWN, Detail.ADDRESS, e -> text(e.server())));
    columns.add(
        of(
            "destination_pod_namespace",
            KMESH_UNKNOWN,
            Detail.NAMESPACE,
            Ends::destination,
            Identity::namespace));
    columns.add(
        of(
            "destination_pod_name",
            KMESH_UNKNOWN,
            Detail.ADDRESS,
            Ends::destination,
            Identity::pod));
    columns.addAll(standardEnd("destination_", KMESH_UNKNOWN, Ends::destination));
    columns.addAll(constants(KMESH_UNKNOWN));
    return List.copyOf(columns);
  }
}
