// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.config.ConfigKey;
import io.meshlens.config.Configuration;
import io.meshlens.config.ValueType;
import io.meshlens.enrich.IdentitySource;
import io.meshlens.enrich.Naming.ContainerUse;
import io.meshlens.enrich.kubernetes.KubernetesConfig;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** Settings of identities, in the order of the reference page. */
public final class IdentitySettings {
  private static final Duration IDLE = Duration.ofSeconds(30);
  private static final Duration WATCH_IDLE = Duration.ofSeconds(150);
  private static final Duration RETRY_FIRST = Duration.ofSeconds(1);
  private static final Duration RETRY_LONGEST = Duration.ofMinutes(1);

  /** Whether the Kubernetes API is asked. */
  public enum KubernetesUse {
    AUTO,
    ON,
    OFF
  }

  public static final ConfigKey<List<IdentitySource>> PRECEDENCE =
      new ConfigKey<>(
          "identity.precedence",
          ValueType.list(
              "each of " + labels() + " at most once",
              IdentitySettings::problems,
              IdentitySettings::source),
          "kubernetes; istio; static",
          "Sources of identities, the one that is believed first in front; those that are left out"
              + " come behind.");
  public static final ConfigKey<Duration> REMEMBER =
      new ConfigKey<>(
          "identity.remember",
          ValueType.duration(Duration.ZERO, Duration.ofHours(24)),
          "5m",
          "How long it is remembered who had an address, unless somebody else has it.");
  public static final ConfigKey<Integer> REMEMBER_LIMIT =
      new ConfigKey<>(
          "identity.remember_limit",
          ValueType.integer(0, 1 << 20),
          "10000",
          "How many former owners of addresses each source remembers at most.");
  public static final ConfigKey<String> TRUST_DOMAIN =
      new ConfigKey<>(
          "identity.trust_domain",
          ValueType.text(),
          "",
          "SPIFFE trust domain of the mesh, where it is known.");
  public static final ConfigKey<KubernetesUse> KUBERNETES =
      new ConfigKey<>(
          "identity.kubernetes.enabled",
          ValueType.oneOf(KubernetesUse.class, use -> use.name().toLowerCase(Locale.ROOT)),
          "auto",
          "Whether the Kubernetes API tells who has which address; auto: when a service account's"
              + " token is there.");
  public static final ConfigKey<Optional<URI>> API_SERVER =
      new ConfigKey<>(
          "identity.kubernetes.api_server",
          ValueType.optional(ValueType.httpUri()),
          "",
          "URL of the API server; empty for the one that the pod's environment names.");
  public static final ConfigKey<String> KUBECONFIG =
      new ConfigKey<>(
          "identity.kubernetes.kubeconfig",
          ValueType.text(),
          "",
          "File that says where the API server is and how to sign in, for use outside of a pod;"
              + " wins over the other settings.");
  public static final ConfigKey<String> TOKEN_FILE =
      new ConfigKey<>(
          "identity.kubernetes.token_file",
          ValueType.text(),
          KubernetesConfig.SERVICE_ACCOUNT.resolve("token").toString(),
          "File with the token to sign in with, read for each request.");
  public static final ConfigKey<String> CA_FILE =
      new ConfigKey<>(
          "identity.kubernetes.ca_file",
          ValueType.text(),
          KubernetesConfig.SERVICE_ACCOUNT.resolve("ca.crt").toString(),
          "PEM file with the certificates that sign the API server's.");
  public static final ConfigKey<String> CLUSTER_DOMAIN =
      new ConfigKey<>(
          "identity.kubernetes.cluster_domain",
          ValueType.text(),
          "cluster.local",
          "Domain of the cluster's DNS, for the host names of services.");
  public static final ConfigKey<String> MESH_NAMESPACE =
      new ConfigKey<>(
          "identity.kubernetes.mesh_namespace",
          ValueType.text(),
          "istio-system",
          "Namespace of the mesh's control plane: its label topology.istio.io/network names the"
              + " network of workloads that say nothing else.");
  public static final ConfigKey<String> STATIC_FILE =
      new ConfigKey<>(
          "identity.static.file",
          ValueType.text(),
          "",
          "YAML list of networks and who is there; read again when it changes and on SIGHUP.");
  public static final ConfigKey<Boolean> CONTAINER =
      new ConfigKey<>(
          "identity.container.enabled",
          ValueType.bool(),
          "true",
          "Whether the end of a connection on this node that nothing else names is named by its"
              + " container.");

  /** All of them. */
  public static final List<ConfigKey<?>> ALL =
      List.of(
          PRECEDENCE,
          REMEMBER,
          REMEMBER_LIMIT,
          TRUST_DOMAIN,
          KUBERNETES,
          API_SERVER,
          KUBECONFIG,
          TOKEN_FILE,
          CA_FILE,
          CLUSTER_DOMAIN,
          MESH_NAMESPACE,
          STATIC_FILE,
          CONTAINER);

  static IdentityConfig identity(Configuration values, String cluster, String node) {
    List<IdentitySource> precedence =
        new ArrayList<>(values.get(PRECEDENCE).stream().distinct().toList());
    for (IdentitySource source : IdentitySource.values()) {
      if (!precedence.contains(source)) {
        precedence.add(source);
      }
    }
    return new IdentityConfig(
        List.copyOf(precedence),
        values.get(REMEMBER),
        values.get(REMEMBER_LIMIT),
        kubernetes(values, cluster, node),
        IstioSettings.discovery(values, node),
        path(values.get(STATIC_FILE)),
        values.get(CONTAINER) ? ContainerUse.NAMES_THE_REST : ContainerUse.IGNORED);
  }

  private static Optional<KubernetesConfig> kubernetes(
      Configuration values, String cluster, String node) {
    Path token = Path.of(values.get(TOKEN_FILE));
    boolean isWanted =
        switch (values.get(KUBERNETES)) {
          case ON -> true;
          case OFF -> false;
          case AUTO -> !values.get(KUBECONFIG).isEmpty() || Files.isReadable(token);
        };
    if (!isWanted) {
      return Optional.empty();
    }
    return Optional.of(
        new KubernetesConfig(
            values.get(API_SERVER),
            path(values.get(KUBECONFIG)),
            token,
            Path.of(values.get(CA_FILE)),
            cluster,
            values.get(TRUST_DOMAIN),
            values.get(CLUSTER_DOMAIN),
            values.get(MESH_NAMESPACE),
            node,
            IDLE,
            WATCH_IDLE,
            RETRY_FIRST,
            RETRY_LONGEST));
  }

  private static Optional<Path> path(String text) {
    return text.isEmpty() ? Optional.empty() : Optional.of(Path.of(text));
  }

  private static String labels() {
    return Arrays.stream(IdentitySource.values())
        .map(IdentitySource::label)
        .collect(Collectors.joining(", "));
  }

  private static List<String> problems(String text) {
    return find(text).isPresent()
        ? List.of()
        : List.of("\"%s\" is no source; expected one of %s".formatted(text, labels()));
  }

  private static IdentitySource source(String text) {
    return find(text).orElseThrow();
  }

  private static Optional<IdentitySource> find(String text) {
    return Arrays.stream(IdentitySource.values()).filter(s -> s.label().equals(text)).findFirst();
  }

  private IdentitySettings() {}
}
