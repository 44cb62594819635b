// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.config.ConfigKey;
import io.meshlens.config.Configuration;
import io.meshlens.config.NamedText;
import io.meshlens.config.ValueType;
import io.meshlens.export.AlsNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Settings of who we are for an access log service, in the order of the reference page. */
public final class NodeSettings {
  public static final ConfigKey<String> REGION = place("node.region", "Region");
  public static final ConfigKey<String> ZONE = place("node.zone", "Zone");
  public static final ConfigKey<String> SUB_ZONE = place("node.sub_zone", "Part of the zone");
  public static final ConfigKey<String> POD_NAME =
      new ConfigKey<>(
          "node.pod_name",
          ValueType.text(),
          "",
          "Name of the pod whose sidecar this is; with its namespace and address, the access log"
              + " service is told an Istio sidecar's id.");
  public static final ConfigKey<String> POD_NAMESPACE =
      new ConfigKey<>("node.pod_namespace", ValueType.text(), "", "Namespace of that pod.");
  public static final ConfigKey<String> POD_IP =
      new ConfigKey<>("node.pod_ip", ValueType.text(), "", "Address of that pod.");
  public static final ConfigKey<List<NamedText>> METADATA =
      new ConfigKey<>(
          "node.metadata",
          ValueType.list(
              "elements NAME=VALUE, separated by semicolons or a list in the file; values"
                  + " percent-encoded where they hold a semicolon or a percent sign",
              NamedText::problems,
              NamedText::of),
          "",
          "Further metadata of the node for the access log service, such as WORKLOAD_NAME=cart.");

  /** All of them. */
  public static final List<ConfigKey<?>> ALL =
      List.of(REGION, ZONE, SUB_ZONE, POD_NAME, POD_NAMESPACE, POD_IP, METADATA);

  /** What several of them must be together. */
  public static final List<Configuration.Check> CHECKS =
      List.of(
          new Configuration.Check(
              List.of(POD_NAME, POD_NAMESPACE, POD_IP), NodeSettings::podProblems));

  private static ConfigKey<String> place(String name, String what) {
    return new ConfigKey<>(
        name, ValueType.text(), "", what + " that this node is in, for the access log service.");
  }

  static AlsNode node(Configuration values, String nodeId) {
    Map<String, String> metadata = new LinkedHashMap<>();
    values.get(METADATA).forEach(m -> metadata.put(m.name(), m.value()));
    AlsNode.Pod pod =
        new AlsNode.Pod(values.get(POD_NAME), values.get(POD_NAMESPACE), values.get(POD_IP));
    return new AlsNode(
        nodeId,
        values.get(Settings.NODE_CLUSTER),
        new AlsNode.Place(values.get(REGION), values.get(ZONE), values.get(SUB_ZONE)),
        pod.name().isEmpty() ? Optional.empty() : Optional.of(pod),
        metadata);
  }

  private static List<String> podProblems(Configuration values) {
    List<String> missing =
        List.of(POD_NAME, POD_NAMESPACE, POD_IP).stream()
            .filter(key -> values.get(key).isEmpty())
            .map(ConfigKey::name)
            .toList();
    return missing.isEmpty() || missing.size() == 3
        ? List.of()
        : List.of(
            "node.pod_name, node.pod_namespace and node.pod_ip belong together; not set: "
                + String.join(", ", missing));
  }

  private NodeSettings() {}
}
