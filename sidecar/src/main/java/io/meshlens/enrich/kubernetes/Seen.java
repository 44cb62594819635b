// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import io.meshlens.flow.Address;
import java.util.List;

/** What is kept of an object of the API. Texts are empty and times 0 when it does not say. */
sealed interface Seen {
  String namespace();

  String name();

  /** An object that decides over itself: the Deployment of a ReplicaSet is not named here. */
  record Owner(String kind, String name) {
    static final Owner NONE = new Owner("", "");
  }

  /**
   * A pod.
   *
   * @param canonicalName by Istio's order of labels, like {@code canonicalRevision}
   * @param containerIds of a pod in its node's network namespace only, without runtime
   */
  record Pod(
      String namespace,
      String name,
      String node,
      String serviceAccount,
      Owner owner,
      String templateHash,
      String rolloutHash,
      String canonicalName,
      String canonicalRevision,
      String network,
      Life life,
      Network networkNamespace,
      long startedEpochNs,
      long createdEpochNs,
      List<Address> addresses,
      List<String> containerIds)
      implements Seen {
    public Pod {
      addresses = List.copyOf(addresses);
      containerIds = List.copyOf(containerIds);
    }
  }

  /** Whether a pod still has its address. */
  enum Life {
    RUNNING,
    OVER
  }

  /** Whose network namespace a pod is in. */
  enum Network {
    OWN,
    NODE
  }

  /**
   * A service.
   *
   * @param virtual its own addresses in the cluster
   * @param outside addresses that it may share: load balancers and external IPs
   */
  record Service(
      String namespace,
      String name,
      long createdEpochNs,
      List<Address> virtual,
      List<Address> outside)
      implements Seen {
    public Service {
      virtual = List.copyOf(virtual);
      outside = List.copyOf(outside);
    }
  }

  /** Some of the pods of a service. */
  record EndpointSlice(String namespace, String name, String service, List<String> pods)
      implements Seen {
    public EndpointSlice {
      pods = List.copyOf(pods);
    }
  }

  /** A node. */
  record Node(String name, long createdEpochNs, List<Address> addresses) implements Seen {
    public Node {
      addresses = List.copyOf(addresses);
    }

    @Override
    public String namespace() {
      return "";
    }
  }

  /** A namespace and the Istio network that its label names. */
  record Namespace(String name, String network) implements Seen {
    @Override
    public String namespace() {
      return "";
    }
  }
}
