// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import io.meshlens.enrich.ContainerOwners;
import io.meshlens.enrich.IdentitySource;
import io.meshlens.enrich.TimedClaims;
import io.meshlens.enrich.kubernetes.Claimant.Fixed;
import io.meshlens.enrich.kubernetes.Claimant.Rank;
import io.meshlens.flow.Address;
import io.meshlens.flow.Identity;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What is known of the cluster, and what follows from it for addresses.
 *
 * <ul>
 *   <li>A pod has its addresses while it runs. One in its node's network namespace has none: its
 *       address is the node's. On this node it is known by its containers.
 *   <li>The cluster addresses of a service are the service's; so are its external ones, when they
 *       are nobody else's.
 *   <li>A pod's service is the one whose endpoint slices name it, when that is only one.
 * </ul>
 *
 * <p>Owned by: identity-kubernetes.
 */
final class ClusterModel {
  private static final String SOURCE = IdentitySource.KUBERNETES.label();

  /** A service or a node: its claims never change, but are replaced. */
  private static final class Holder extends Objects.Known {
    final Map<Claimant, List<Address>> claimed;

    Holder(Map<Claimant, List<Address>> claimed) {
      this.claimed = claimed;
    }
  }

  private static final class NamespaceState extends Objects.Known {
    final String name;

    NamespaceState(String name) {
      this.name = name;
    }
  }

  private final KubernetesConfig config;
  private final TimedClaims claims;
  private final AddressBook book;
  private final ContainerOwners containers;
  private final Objects<PodState> pods = new Objects<>();
  private final Objects<Holder> services = new Objects<>();
  private final Objects<Holder> nodes = new Objects<>();
  private final Objects<NamespaceState> namespaces = new Objects<>();
  private final ServiceMembers members = new ServiceMembers();
  private String meshNetwork = "";

  ClusterModel(KubernetesConfig config, TimedClaims claims, ContainerOwners containers) {
    this.config = config;
    this.claims = claims;
    this.containers = containers;
    book = new AddressBook(claims);
  }

  /** Makes what was applied visible to readers. */
  void commit() {
    claims.commit();
  }

  void apply(Change change) {
    switch (change) {
      case Change.ListBegun begun -> beginList(begun.resource());
      case Change.ListEnded ended -> endList(ended.resource());
      case Change.Found found -> found(found.object());
      case Change.Gone gone -> gone(gone);
    }
  }

  private void beginList(Resource resource) {
    switch (resource) {
      case PODS -> pods.beginList();
      case SERVICES -> services.beginList();
      case ENDPOINT_SLICES -> members.beginList();
      case NODES -> nodes.beginList();
      case NAMESPACES -> namespaces.beginList();
    }
  }

  private void endList(Resource resource) {
    switch (resource) {
      case PODS -> pods.endList(this::release);
      case SERVICES -> services.endList(this::release);
      case ENDPOINT_SLICES -> members.endList(this::nameService);
      case NODES -> nodes.endList(this::release);
      case NAMESPACES -> namespaces.endList(this::release);
    }
  }

  private void found(Seen object) {
    switch (object) {
      case Seen.Pod pod -> found(pod);
      case Seen.Service service ->
          replace(
              services,
              service,
              Map.of(
                  new Fixed(Rank.CLUSTER_IP, identity(service), service.createdEpochNs()),
                  service.virtual(),
                  new Fixed(Rank.OUTSIDE_IP, identity(service), service.createdEpochNs()),
                  service.outside()));
      case Seen.EndpointSlice slice -> members.put(slice, this::nameService);
      case Seen.Node node ->
          replace(
              nodes,
              node,
              Map.of(
                  new Fixed(Rank.NODE, identity(node), node.createdEpochNs()), node.addresses()));
      case Seen.Namespace namespace -> found(namespace);
    }
  }

  private void gone(Change.Gone gone) {
    String namespace = gone.namespace();
    String name = gone.name();
    switch (gone.resource()) {
      case PODS -> ifKnown(pods.remove(namespace, name), this::release);
      case SERVICES -> ifKnown(services.remove(namespace, name), this::release);
      case ENDPOINT_SLICES -> members.remove(namespace, name, this::nameService);
      case NODES -> ifKnown(nodes.remove("", name), this::release);
      case NAMESPACES -> ifKnown(namespaces.remove("", name), this::release);
    }
  }

  private static <T> void ifKnown(@Nullable T known, Consumer<T> action) {
    if (known != null) {
      action.accept(known);
    }
  }

  private void found(Seen.Pod pod) {
    PodState before = pods.get(pod.namespace(), pod.name());
    PodState now = podState(pod);
    now.serve(members.onlyServiceOf(pod.namespace(), pod.name()), config.clusterDomain());
    pods.put(pod.namespace(), pod.name(), now);
    if (before != null) {
      before.addresses().forEach(a -> book.remove(a, before));
      before.containerIds().stream()
          .filter(id -> !now.containerIds().contains(id))
          .forEach(containers::remove);
    }
    now.addresses().forEach(a -> book.add(a, now));
    (before == null ? List.<Address>of() : before.addresses()).forEach(book::settle);
    now.addresses().forEach(book::settle);
    now.containerIds().forEach(id -> containers.put(id, now.identity()));
  }

  private PodState podState(Seen.Pod pod) {
    Seen.Owner owner = Owners.of(pod);
    boolean hasOwnAddress =
        pod.life() == Seen.Life.RUNNING && pod.networkNamespace() == Seen.Network.OWN;
    boolean isHere =
        pod.life() == Seen.Life.RUNNING
            && pod.networkNamespace() == Seen.Network.NODE
            && pod.node().equals(config.node());
    Identity identity =
        Identity.builder()
            .cluster(config.cluster())
            .network(pod.network().isEmpty() ? meshNetwork : pod.network())
            .node(pod.node())
            .namespace(pod.namespace())
            .workload(owner.name(), owner.kind())
            .pod(pod.name())
            .app(pod.canonicalName())
            .version(pod.canonicalRevision())
            .serviceAccount(pod.serviceAccount(), config.trustDomain())
            .source(SOURCE)
            .build();
    return new PodState(
        identity,
        pod.network().isEmpty() ? PodState.NetworkOrigin.MESH : PodState.NetworkOrigin.OWN,
        pod.startedEpochNs() != 0 ? pod.startedEpochNs() : pod.createdEpochNs(),
        hasOwnAddress ? pod.addresses() : List.of(),
        isHere ? pod.containerIds() : List.of());
  }

  private void release(PodState pod) {
    pod.addresses().forEach(a -> book.remove(a, pod));
    pod.addresses().forEach(book::settle);
    pod.containerIds().forEach(containers::remove);
  }

  /** Another set of services may select the pod. */
  private void nameService(String namespace, String name) {
    PodState pod = pods.get(namespace, name);
    if (pod != null && pod.serve(members.onlyServiceOf(namespace, name), config.clusterDomain())) {
      publish(pod);
    }
  }

  private void publish(PodState pod) {
    pod.addresses().forEach(book::settle);
    pod.containerIds().forEach(id -> containers.put(id, pod.identity()));
  }

  private Identity identity(Seen.Service service) {
    return Identity.builder()
        .cluster(config.cluster())
        .service(
            service.name(),
            service.namespace(),
            PodState.host(service.name(), service.namespace(), config.clusterDomain()))
        .source(SOURCE)
        .build();
  }

  private Identity identity(Seen.Node node) {
    return Identity.builder().cluster(config.cluster()).node(node.name()).source(SOURCE).build();
  }

  private void replace(Objects<Holder> holders, Seen object, Map<Claimant, List<Address>> claimed) {
    Holder before = holders.get(object.namespace(), object.name());
    Holder now = new Holder(claimed);
    holders.put(object.namespace(), object.name(), now);
    if (before != null) {
      before.claimed.forEach((claimant, list) -> list.forEach(a -> book.remove(a, claimant)));
    }
    claimed.forEach((claimant, list) -> list.forEach(a -> book.add(a, claimant)));
    Stream.concat(
            before == null ? Stream.of() : before.claimed.values().stream(),
            claimed.values().stream())
        .flatMap(List::stream)
        .distinct()
        .forEach(book::settle);
  }

  private void release(Holder holder) {
    holder.claimed.forEach((claimant, list) -> list.forEach(a -> book.remove(a, claimant)));
    holder.claimed.values().forEach(list -> list.forEach(book::settle));
  }

  private void found(Seen.Namespace namespace) {
    namespaces.put("", namespace.name(), new NamespaceState(namespace.name()));
    if (namespace.name().equals(config.meshNamespace())) {
      network(namespace.network());
    }
  }

  private void release(NamespaceState namespace) {
    if (namespace.name.equals(config.meshNamespace())) {
      network("");
    }
  }

  /** The network of every pod that has no label of its own. */
  private void network(String network) {
    if (!network.equals(meshNetwork)) {
      meshNetwork = network;
      pods.forEach(
          pod -> {
            pod.network(network);
            publish(pod);
          });
    }
  }
}
