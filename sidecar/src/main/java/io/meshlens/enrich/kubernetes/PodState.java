// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import io.meshlens.flow.Address;
import io.meshlens.flow.Identity;
import java.util.List;

/** What is known of one pod. Mutable. Owned by: identity-kubernetes. */
final class PodState extends Objects.Known implements Claimant {
  /** Who says which Istio network the pod is in. */
  enum NetworkOrigin {
    OWN,
    MESH
  }

  private final NetworkOrigin networkOrigin;
  private final long sinceEpochNs;
  private final List<Address> addresses;
  private final List<String> containerIds;
  private Identity identity;

  PodState(
      Identity identity,
      NetworkOrigin networkOrigin,
      long sinceEpochNs,
      List<Address> addresses,
      List<String> containerIds) {
    this.identity = identity;
    this.networkOrigin = networkOrigin;
    this.sinceEpochNs = sinceEpochNs;
    this.addresses = List.copyOf(addresses);
    this.containerIds = List.copyOf(containerIds);
  }

  static String host(String service, String namespace, String clusterDomain) {
    return service + "." + namespace + ".svc." + clusterDomain;
  }

  @Override
  public Rank rank() {
    return Rank.POD;
  }

  @Override
  public Identity identity() {
    return identity;
  }

  @Override
  public long sinceEpochNs() {
    return sinceEpochNs;
  }

  /** Those that are its own. */
  List<Address> addresses() {
    return addresses;
  }

  /** Those by which it is known instead. */
  List<String> containerIds() {
    return containerIds;
  }

  /** Takes the only service that selects it, or none; whether that is another than before. */
  boolean serve(String service, String clusterDomain) {
    if (service.equals(identity.service())) {
      return false;
    }
    String namespace = identity.namespace();
    identity =
        service.isEmpty()
            ? identity.toBuilder().service("", "", "").build()
            : identity.toBuilder()
                .service(service, namespace, host(service, namespace, clusterDomain))
                .build();
    return true;
  }

  void network(String meshNetwork) {
    if (networkOrigin == NetworkOrigin.MESH) {
      identity = identity.toBuilder().network(meshNetwork).build();
    }
  }
}
