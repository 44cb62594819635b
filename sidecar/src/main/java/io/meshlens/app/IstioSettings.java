// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import com.google.common.net.HostAndPort;
import io.meshlens.config.ConfigKey;
import io.meshlens.config.Configuration;
import io.meshlens.config.ValueType;
import io.meshlens.enrich.xds.DiscoveryConfig;
import io.meshlens.enrich.xds.DiscoveryConfig.ClientCertificate;
import io.meshlens.enrich.xds.DiscoveryConfig.Plaintext;
import io.meshlens.enrich.xds.DiscoveryConfig.Security;
import io.meshlens.enrich.xds.DiscoveryConfig.Tls;
import io.meshlens.enrich.xds.NodeIdentity;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Settings of identities from the control plane of Istio or Kmesh, in the order of the page. */
public final class IstioSettings {
  public static final ConfigKey<Optional<HostAndPort>> ADDRESS =
      new ConfigKey<>(
          "identity.istio.address",
          ValueType.optional(ValueType.hostAndPort()),
          "",
          "Control plane of Istio ambient or Kmesh to ask who has which address, such as"
              + " istiod.istio-system.svc:15012.");
  public static final ConfigKey<Boolean> TLS =
      new ConfigKey<>(
          "identity.istio.tls",
          ValueType.bool(),
          "true",
          "Whether to use TLS; istiod's port 15010 is without.");
  public static final ConfigKey<String> CA_FILE =
      new ConfigKey<>(
          "identity.istio.ca_file",
          ValueType.text(),
          "",
          "PEM file with the certificates that sign the control plane's, such as root-cert.pem of"
              + " the ConfigMap istio-ca-root-cert; empty for the system's.");
  public static final ConfigKey<String> SERVER_NAME =
      new ConfigKey<>(
          "identity.istio.server_name",
          ValueType.text(),
          "",
          "Name that the control plane's certificate is for; empty for the host of the address.");
  public static final ConfigKey<String> CERTIFICATE_FILE =
      new ConfigKey<>(
          "identity.istio.certificate_file",
          ValueType.text(),
          "",
          "PEM file with our own certificate chain; empty to show none.");
  public static final ConfigKey<String> KEY_FILE =
      new ConfigKey<>(
          "identity.istio.key_file",
          ValueType.text(),
          "",
          "PEM file with the key of that certificate, PKCS #8 without a password.");
  public static final ConfigKey<String> TOKEN_FILE =
      new ConfigKey<>(
          "identity.istio.token_file",
          ValueType.text(),
          "",
          "File with the token to sign in with, read for each connection: a service account's, with"
              + " audience istio-ca.");
  public static final ConfigKey<Optional<String>> NODE_ID =
      new ConfigKey<>(
          "identity.istio.node_id",
          ValueType.optional(
              new ValueType<>(
                  "TYPE~IP~POD.NAMESPACE~DNSDOMAIN",
                  text ->
                      NodeIdentity.problems(text).isEmpty() ? Optional.of(text) : Optional.empty(),
                  NodeIdentity::problems,
                  ValueType.Shape.SCALAR)),
          "",
          "As whom we ask, as Istio's proxies call themselves; the namespace must be that of the"
              + " token or certificate.");
  public static final ConfigKey<String> CLUSTER =
      new ConfigKey<>(
          "identity.istio.cluster",
          ValueType.text(),
          "Kubernetes",
          "Id that the control plane has for this cluster.");
  public static final ConfigKey<String> NETWORK =
      new ConfigKey<>(
          "identity.istio.network",
          ValueType.text(),
          "",
          "Istio network that this node is in: addresses of others give no names here.");
  public static final ConfigKey<Duration> TIMEOUT =
      new ConfigKey<>(
          "identity.istio.timeout",
          ValueType.duration(Duration.ofSeconds(1), Duration.ofMinutes(10)),
          "30s",
          "How long connecting and the first answer may take together.");
  public static final ConfigKey<Integer> MAX_RESOURCES =
      new ConfigKey<>(
          "identity.istio.max_resources",
          ValueType.integer(1, 1 << 20),
          "32768",
          "Workloads and services that are kept, with 640 characters each on average; more are"
              + " counted. Each takes some 600 bytes of the heap.");
  public static final ConfigKey<Integer> MAX_RESPONSE_SIZE =
      new ConfigKey<>(
          "identity.istio.max_response_size",
          ValueType.powerOfTwoBytes(1 << 20, 1 << 29),
          "32MiB",
          "Largest response that is taken, some 350 bytes for each workload; a larger one ends the"
              + " stream.");

  /** All of them. */
  public static final List<ConfigKey<?>> ALL =
      List.of(
          ADDRESS,
          TLS,
          CA_FILE,
          SERVER_NAME,
          CERTIFICATE_FILE,
          KEY_FILE,
          TOKEN_FILE,
          NODE_ID,
          CLUSTER,
          NETWORK,
          TIMEOUT,
          MAX_RESOURCES,
          MAX_RESPONSE_SIZE);

  /** What several of them must be together. */
  public static final List<Configuration.Check> CHECKS =
      List.of(
          new Configuration.Check(
              List.of(ADDRESS, TLS, CA_FILE, CERTIFICATE_FILE, KEY_FILE, TOKEN_FILE, NODE_ID),
              IstioSettings::problems));

  private static List<String> problems(Configuration values) {
    List<String> problems = new ArrayList<>();
    if (values.get(ADDRESS).isEmpty()) {
      return problems;
    }
    if (!values.get(TLS)) {
      for (ConfigKey<String> key : List.of(CA_FILE, CERTIFICATE_FILE, KEY_FILE, TOKEN_FILE)) {
        if (!values.get(key).isEmpty()) {
          problems.add(
              "%s = \"%s\" needs %s=true: without TLS it would be of no use or be given away"
                  .formatted(key.name(), values.get(key), TLS.name()));
        }
      }
    }
    if (values.get(CERTIFICATE_FILE).isEmpty() != values.get(KEY_FILE).isEmpty()) {
      problems.add(
          "%s and %s belong together: expected both or none"
              .formatted(CERTIFICATE_FILE.name(), KEY_FILE.name()));
    }
    boolean signsIn = !values.get(TOKEN_FILE).isEmpty() || !values.get(CERTIFICATE_FILE).isEmpty();
    if (signsIn && values.get(NODE_ID).isEmpty()) {
      problems.add(
          NODE_ID.name()
              + " is empty: the control plane compares its namespace with the token or certificate;"
              + " expected TYPE~IP~POD.NAMESPACE~DNSDOMAIN");
    }
    return problems;
  }

  /**
   * Whom to ask; empty when nobody is.
   *
   * @param node name of the Kubernetes node
   */
  static Optional<DiscoveryConfig> discovery(Configuration values, String node) {
    return values
        .get(ADDRESS)
        .map(
            address ->
                new DiscoveryConfig(
                    address,
                    security(values),
                    new NodeIdentity(
                        values.get(NODE_ID).orElse(anonymous(node)),
                        node,
                        values.get(CLUSTER),
                        values.get(NETWORK)),
                    values.get(NETWORK),
                    values.get(MAX_RESOURCES),
                    values.get(MAX_RESPONSE_SIZE),
                    values.get(TIMEOUT)));
  }

  /** A control plane that asks for no proof still wants the form. */
  private static String anonymous(String node) {
    return "ztunnel~127.0.0.1~%s.default~default.svc.cluster.local".formatted(node);
  }

  private static Security security(Configuration values) {
    if (!values.get(TLS)) {
      return new Plaintext();
    }
    return new Tls(
        file(values, CA_FILE),
        Optional.of(values.get(SERVER_NAME)).filter(name -> !name.isEmpty()),
        file(values, CERTIFICATE_FILE)
            .flatMap(chain -> file(values, KEY_FILE).map(key -> new ClientCertificate(chain, key))),
        file(values, TOKEN_FILE));
  }

  private static Optional<Path> file(Configuration values, ConfigKey<String> key) {
    return Optional.of(values.get(key)).filter(text -> !text.isEmpty()).map(Path::of);
  }

  private IstioSettings() {}
}
