// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.xds;

import com.google.common.collect.Interner;
import com.google.common.collect.Interners;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.envoyproxy.envoy.service.discovery.v3.Resource;
import io.istio.workload.NetworkAddress;
import io.istio.workload.NetworkMode;
import io.istio.workload.Service;
import io.istio.workload.Workload;
import io.meshlens.flow.Address;
import io.meshlens.flow.Identity;
import io.meshlens.vitals.Vital;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** From a resource of the protocol to what it says. Owned by: identity-istio. */
final class ResourceReader {
  static final String TYPE_URL = "type.googleapis.com/istio.workload.Address";

  /** Who told, in {@link Identity#source}. */
  static final String SOURCE = "istio";

  static final int LONGEST_NAME_CHARS = 1024;

  /** A name of Kubernetes or DNS has at most 253 characters. */
  static final int LONGEST_TEXT_CHARS = 256;

  /** A service has one for each network, cluster and family. */
  static final int MOST_ADDRESSES = 4096;

  // What the protocol lets a control plane leave out of a pod.
  private static final String ELIDED_TRUST_DOMAIN = "cluster.local";
  private static final String ELIDED_SERVICE_ACCOUNT = "default";

  private final String network;

  /** Few texts, each said of many workloads. */
  private final Interner<String> texts = Interners.newWeakInterner();

  /**
   * @param network the one that we are in; empty for the default one
   */
  ResourceReader(String network) {
    this.network = network;
  }

  Told read(Resource resource) throws Refusal {
    if (!resource.hasResource()) {
      throw new Refusal(Vital.ISTIO_REFUSED_UNDECODABLE, "it has no content");
    }
    String type = resource.getResource().getTypeUrl();
    if (!type.equals(TYPE_URL)) {
      throw new Refusal(Vital.ISTIO_REFUSED_KIND, "its type is " + Shown.text(type));
    }
    io.istio.workload.Address address;
    try {
      address = io.istio.workload.Address.parseFrom(resource.getResource().getValue());
    } catch (InvalidProtocolBufferException e) {
      throw new Refusal(
          Vital.ISTIO_REFUSED_UNDECODABLE, Shown.text(String.valueOf(e.getMessage())));
    }
    return switch (address.getTypeCase()) {
      case WORKLOAD -> workload(address.getWorkload());
      case SERVICE -> service(address.getService());
      case TYPE_NOT_SET ->
          throw new Refusal(Vital.ISTIO_REFUSED_KIND, "it is neither a workload nor a service");
    };
  }

  private Told.Workload workload(Workload workload) throws Refusal {
    Set<Address> ours = new LinkedHashSet<>();
    int foreign = 0;
    int shared = 0;
    int ambiguous = 0;
    limit(workload.getAddressesCount());
    boolean alone = workload.getNetworkMode() == NetworkMode.NETWORK_MODE_STANDARD;
    for (ByteString bytes : workload.getAddressesList()) {
      InetAddress address = address(bytes);
      if (!isOurs(workload.getNetwork())) {
        foreign++;
      } else if (!alone) {
        shared++;
      } else if (!isOneHost(address)) {
        ambiguous++;
      } else {
        ours.add(Address.of(address));
      }
    }
    return new Told.Workload(
        identity(workload),
        List.copyOf(ours),
        Told.Unclaimed.of(foreign, shared, ambiguous),
        onlyService(workload));
  }

  private Identity identity(Workload workload) throws Refusal {
    boolean pod = isPod(workload);
    String name = text("workload_name", workload.getWorkloadName());
    return Identity.builder()
        .cluster(text("cluster_id", workload.getClusterId()))
        .network(text("network", workload.getNetwork()))
        .node(text("node", workload.getNode()))
        .namespace(text("namespace", workload.getNamespace()))
        .workload(name, name.isEmpty() ? "" : kind(workload))
        .pod(pod ? bounded("name", workload.getName()) : "")
        .app(text("canonical_name", workload.getCanonicalName()))
        .version(text("canonical_revision", workload.getCanonicalRevision()))
        .serviceAccount(
            elided(
                pod, text("service_account", workload.getServiceAccount()), ELIDED_SERVICE_ACCOUNT),
            elided(pod, text("trust_domain", workload.getTrustDomain()), ELIDED_TRUST_DOMAIN))
        .source(SOURCE)
        .build();
  }

  private static String elided(boolean pod, String text, String meant) {
    return pod && text.isEmpty() ? meant : text;
  }

  /** Whether the uid says so: CLUSTER//Pod/NAMESPACE/NAME. */
  private static boolean isPod(Workload workload) {
    return workload
        .getUid()
        .endsWith("//Pod/" + workload.getNamespace() + "/" + workload.getName());
  }

  /**
   * Newer control planes call everything a pod, which then says nothing about a name of its own.
   */
  private static String kind(Workload workload) {
    return switch (workload.getWorkloadType()) {
      case WORKLOAD_TYPE_DEPLOYMENT -> "Deployment";
      case WORKLOAD_TYPE_CRON_JOB -> "CronJob";
      case WORKLOAD_TYPE_JOB -> "Job";
      case WORKLOAD_TYPE_POD -> workload.getWorkloadName().equals(workload.getName()) ? "Pod" : "";
      case UNRECOGNIZED -> "";
    };
  }

  private String onlyService(Workload workload) throws Refusal {
    if (workload.getServicesCount() != 1) {
      return "";
    }
    String key = workload.getServicesMap().keySet().iterator().next();
    int slash = key.indexOf('/');
    if (slash < 0) {
      throw new Refusal(
          Vital.ISTIO_REFUSED_TEXT,
          "its service " + Shown.text(key) + " is not NAMESPACE/HOSTNAME");
    }
    return text("services", key.substring(0, slash))
        + "/"
        + text("services", key.substring(slash + 1));
  }

  private Told.Service service(Service service) throws Refusal {
    Set<Address> ours = new LinkedHashSet<>();
    String ourNetwork = "";
    int foreign = 0;
    int ambiguous = 0;
    limit(service.getAddressesCount());
    for (NetworkAddress told : service.getAddressesList()) {
      InetAddress address = address(told.getAddress());
      if (!isOurs(told.getNetwork())) {
        foreign++;
      } else if (isRange(told) || !isOneHost(address)) {
        ambiguous++;
      } else {
        ours.add(Address.of(address));
        ourNetwork = told.getNetwork();
      }
    }
    String namespace = text("namespace", service.getNamespace());
    String hostname = text("hostname", service.getHostname());
    Identity identity =
        Identity.builder()
            .network(text("network", ourNetwork))
            .service(text("name", service.getName()), namespace, hostname)
            .source(SOURCE)
            .build();
    return new Told.Service(
        identity,
        List.copyOf(ours),
        Told.Unclaimed.of(foreign, 0, ambiguous),
        namespace + "/" + hostname);
  }

  private static void limit(int addresses) throws Refusal {
    if (addresses > MOST_ADDRESSES) {
      throw new Refusal(
          Vital.ISTIO_REFUSED_ADDRESS,
          "it has " + addresses + " addresses, more than " + MOST_ADDRESSES);
    }
  }

  private static InetAddress address(ByteString bytes) throws Refusal {
    try {
      return InetAddress.getByAddress(bytes.toByteArray());
    } catch (UnknownHostException e) {
      throw new Refusal(
          Vital.ISTIO_REFUSED_ADDRESS,
          "it has an address of " + bytes.size() + " bytes; expected 4 or 16");
    }
  }

  /** The default network may be left out. */
  private boolean isOurs(String told) {
    return told.isEmpty() || told.equals(network);
  }

  private static boolean isRange(NetworkAddress told) {
    return told.hasLength() && told.getLength() != 8 * told.getAddress().size();
  }

  private static boolean isOneHost(InetAddress address) {
    return !address.isAnyLocalAddress()
        && !address.isLoopbackAddress()
        && !address.isLinkLocalAddress()
        && !address.isMulticastAddress();
  }

  /** One that others have too. */
  private String text(String field, String text) throws Refusal {
    return text.isEmpty() ? "" : texts.intern(bounded(field, text));
  }

  private static String bounded(String field, String text) throws Refusal {
    if (text.length() > LONGEST_TEXT_CHARS) {
      throw new Refusal(
          Vital.ISTIO_REFUSED_TEXT,
          "its %s has %d characters, more than %d"
              .formatted(field, text.length(), LONGEST_TEXT_CHARS));
    }
    return text;
  }

  /** A network of others that a resource names, for a hint. */
  Optional<String> foreignNetwork(Told told) {
    return Optional.of(told.identity().network()).filter(n -> !isOurs(n));
  }
}
