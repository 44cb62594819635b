// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import io.meshlens.enrich.kubernetes.Seen.EndpointSlice;
import io.meshlens.enrich.kubernetes.Seen.Life;
import io.meshlens.enrich.kubernetes.Seen.Namespace;
import io.meshlens.enrich.kubernetes.Seen.Network;
import io.meshlens.enrich.kubernetes.Seen.Node;
import io.meshlens.enrich.kubernetes.Seen.Pod;
import io.meshlens.enrich.kubernetes.Seen.Service;
import io.meshlens.flow.Address;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Takes from an object, while it is being parsed, the few fields that are needed. Nothing else of
 * it is ever in memory. Owned by: one thread.
 */
final class ObjectReader {
  private final Resource resource;
  private final JsonFields fields;
  private final Metadata metadata = new Metadata();
  private final List<Address> addresses = new ArrayList<>();
  private final List<Address> outside = new ArrayList<>();
  private final List<String> names = new ArrayList<>();
  private final List<String> containerIds = new ArrayList<>();
  private String node = "";
  private String serviceAccount = "";
  private Life life = Life.RUNNING;
  private Network network = Network.OWN;
  private long startedEpochNs;

  ObjectReader(Resource resource, JsonFields fields) {
    this.resource = resource;
    this.fields = fields;
  }

  /** The object whose beginning is the current token; empty when it has no name. */
  Optional<Seen> read() throws IOException {
    clear();
    fields.object(
        part -> {
          switch (part) {
            case "metadata" -> metadata.read(fields);
            case "spec" -> readSpec();
            case "status" -> readStatus();
            case "endpoints" -> fields.list(this::readEndpoint);
            default -> {}
          }
        });
    if (metadata.name.isEmpty() || (isNamespaced() && metadata.namespace.isEmpty())) {
      return Optional.empty();
    }
    return Optional.of(seen());
  }

  /** Of the object that was read last. */
  String resourceVersion() {
    return metadata.resourceVersion;
  }

  private boolean isNamespaced() {
    return switch (resource) {
      case PODS, SERVICES, ENDPOINT_SLICES -> true;
      case NODES, NAMESPACES -> false;
    };
  }

  private void clear() {
    metadata.clear();
    addresses.clear();
    outside.clear();
    names.clear();
    containerIds.clear();
    node = "";
    serviceAccount = "";
    life = Life.RUNNING;
    network = Network.OWN;
    startedEpochNs = 0;
  }

  private Seen seen() {
    Metadata m = metadata;
    return switch (resource) {
      case PODS ->
          new Pod(
              m.namespace,
              m.name,
              node,
              serviceAccount,
              m.owner,
              m.templateHash,
              m.rolloutHash,
              m.canonicalName(),
              m.canonicalRevision(),
              m.network,
              life,
              network,
              startedEpochNs,
              m.createdEpochNs,
              addresses,
              network == Network.NODE ? containerIds : List.of());
      case SERVICES -> new Service(m.namespace, m.name, m.createdEpochNs, addresses, outside);
      case ENDPOINT_SLICES -> new EndpointSlice(m.namespace, m.name, m.serviceName, names);
      case NODES -> new Node(m.name, m.createdEpochNs, addresses);
      case NAMESPACES -> new Namespace(m.name, m.network);
    };
  }

  private void readSpec() throws IOException {
    fields.object(
        field -> {
          switch (field) {
            case "nodeName" -> node = fields.sharedText();
            case "serviceAccountName" -> serviceAccount = fields.sharedText();
            case "hostNetwork" -> network = fields.isTrue() ? Network.NODE : Network.OWN;
            case "clusterIP" -> fields.address(addresses);
            case "clusterIPs" -> fields.list(() -> fields.address(addresses));
            case "externalIPs" -> fields.list(() -> fields.address(outside));
            default -> {}
          }
        });
  }

  private void readStatus() throws IOException {
    fields.object(
        field -> {
          switch (field) {
            case "phase" ->
                life =
                    switch (fields.text()) {
                      case "Succeeded", "Failed" -> Life.OVER;
                      default -> Life.RUNNING;
                    };
            case "startTime" -> startedEpochNs = fields.time();
            case "podIP" -> fields.address(addresses);
            case "podIPs" -> fields.list(() -> onlyField("ip"));
            case "addresses" -> fields.list(() -> onlyField("address"));
            case "containerStatuses" -> fields.list(this::readContainer);
            case "loadBalancer" -> fields.object(this::readLoadBalancer);
            default -> {}
          }
        });
  }

  private void onlyField(String wanted) throws IOException {
    fields.object(
        field -> {
          if (field.equals(wanted)) {
            fields.address(addresses);
          }
        });
  }

  private void readLoadBalancer(String field) throws IOException {
    if (field.equals("ingress")) {
      fields.list(
          () ->
              fields.object(
                  inner -> {
                    if (inner.equals("ip")) {
                      fields.address(outside);
                    }
                  }));
    }
  }

  /** {@code containerd://ID}. */
  private void readContainer() throws IOException {
    fields.object(
        field -> {
          if (field.equals("containerID")) {
            String id = fields.text();
            int scheme = id.indexOf("://");
            if (scheme > 0) {
              containerIds.add(id.substring(scheme + 3));
            }
          }
        });
  }

  private void readEndpoint() throws IOException {
    fields.object(
        field -> {
          if (field.equals("targetRef")) {
            readTarget();
          }
        });
  }

  private void readTarget() throws IOException {
    String[] found = {"", ""};
    fields.object(
        field -> {
          switch (field) {
            case "kind" -> found[0] = fields.sharedText();
            case "name" -> found[1] = fields.text();
            default -> {}
          }
        });
    if (found[0].equals("Pod") && !found[1].isEmpty()) {
      names.add(found[1]);
    }
  }
}
