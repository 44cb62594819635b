// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.xds;

import com.google.common.net.InetAddresses;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import io.envoyproxy.envoy.config.core.v3.Node;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * As whom we ask, in the form of Istio's proxies: {@code TYPE~IP~POD.NAMESPACE~DNSDOMAIN}. A
 * control plane that checks identities wants the namespace to be that of the token or certificate.
 *
 * @param id the four parts, joined
 * @param nodeName the Kubernetes node
 * @param cluster id of the cluster, as the control plane calls it
 * @param network Istio network; may be empty
 */
public record NodeIdentity(String id, String nodeName, String cluster, String network) {
  private static final Pattern ID =
      Pattern.compile("(ztunnel|waypoint|sidecar|router)~([^~]+)~([^~]+)\\.([^~.]+)~([^~]+)");

  /** What is wrong with an id, in words; nothing when it fits. */
  public static List<String> problems(String id) {
    Matcher parts = ID.matcher(id);
    if (!parts.matches()) {
      return List.of(
          "expected TYPE~IP~POD.NAMESPACE~DNSDOMAIN, such as"
              + " ztunnel~10.0.0.7~meshlens-x7k2p.meshlens~meshlens.svc.cluster.local");
    }
    return InetAddresses.isInetAddress(parts.group(2))
        ? List.of()
        : List.of("\"" + parts.group(2) + "\" is not an IP address");
  }

  /** What the first request of a stream carries. */
  Node message(String userAgentVersion) {
    Matcher parts = ID.matcher(id);
    Map<String, String> metadata = new LinkedHashMap<>();
    if (parts.matches()) {
      metadata.put("INSTANCE_IPS", parts.group(2));
      metadata.put("NAME", parts.group(3));
      metadata.put("NAMESPACE", parts.group(4));
    }
    metadata.put("NODE_NAME", nodeName);
    metadata.put("CLUSTER_ID", cluster);
    metadata.put("NETWORK", network);
    Struct.Builder fields = Struct.newBuilder();
    metadata.forEach(
        (name, text) ->
            Optional.of(text)
                .filter(t -> !t.isEmpty())
                .ifPresent(
                    t -> fields.putFields(name, Value.newBuilder().setStringValue(t).build())));
    return Node.newBuilder()
        .setId(id)
        .setMetadata(fields)
        .setUserAgentName("meshlens")
        .setUserAgentVersion(userAgentVersion)
        .build();
  }
}
