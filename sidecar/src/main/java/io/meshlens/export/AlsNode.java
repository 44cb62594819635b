// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import io.envoyproxy.envoy.config.core.v3.Locality;
import io.envoyproxy.envoy.config.core.v3.Node;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsMessage.Identifier;
import java.util.Map;
import java.util.Optional;

/**
 * Who sends the entries, as the first message of a stream says it. Unknown texts are empty.
 *
 * @param id name of this node
 * @param cluster name of its cluster
 * @param pod the pod whose sidecar this is; absent on a node that is watched as a whole
 * @param metadata further keys, which win over ours
 */
public record AlsNode(
    String id, String cluster, Place place, Optional<Pod> pod, Map<String, String> metadata) {
  /** Where it runs. */
  public record Place(String region, String zone, String subZone) {}

  /** A Kubernetes pod. */
  public record Pod(String name, String namespace, String address) {}

  public AlsNode {
    metadata = Map.copyOf(metadata);
  }

  /**
   * What begins a stream.
   *
   * @param version of this program
   */
  Identifier identifier(String logName, String version) {
    Node.Builder node =
        Node.newBuilder()
            .setId(pod.map(AlsNode::sidecarId).orElse(id))
            .setCluster(cluster)
            .setMetadata(struct())
            .setUserAgentName("meshlens");
    if (!version.isEmpty()) {
      node.setUserAgentVersion(version);
    }
    if (!(place.region + place.zone + place.subZone).isEmpty()) {
      node.setLocality(
          Locality.newBuilder()
              .setRegion(place.region)
              .setZone(place.zone)
              .setSubZone(place.subZone));
    }
    return Identifier.newBuilder().setNode(node).setLogName(logName).build();
  }

  /** The id of an Istio sidecar: type, address, pod and domain. */
  private static String sidecarId(Pod pod) {
    return "sidecar~%s~%s.%s~%s.svc.cluster.local"
        .formatted(pod.address, pod.name, pod.namespace, pod.namespace);
  }

  /** Keys are those of Istio's proxies. */
  private Struct struct() {
    Struct.Builder fields = Struct.newBuilder();
    put(fields, "NODE_NAME", id);
    put(fields, "CLUSTER_ID", cluster);
    pod.ifPresent(
        p -> {
          put(fields, "NAME", p.name);
          put(fields, "NAMESPACE", p.namespace);
          put(fields, "INSTANCE_IPS", p.address);
        });
    metadata.forEach((key, value) -> put(fields, key, value));
    return fields.build();
  }

  private static void put(Struct.Builder fields, String key, String value) {
    if (!value.isEmpty()) {
      fields.putFields(key, Value.newBuilder().setStringValue(value).build());
    }
  }
}
