// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.xds;

import com.google.common.net.HostAndPort;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * Which control plane is asked, and as whom.
 *
 * @param address of its discovery service
 * @param network the Istio network that this node is in; empty for the default one
 * @param maxResources workloads and services that are kept; more are counted
 * @param maxResponseBytes of one message; a larger one ends the stream
 * @param patience how long the first answer of a stream may take, connecting included
 */
public record DiscoveryConfig(
    HostAndPort address,
    Security security,
    NodeIdentity node,
    String network,
    int maxResources,
    int maxResponseBytes,
    Duration patience) {

  /** How the connection is protected. */
  public sealed interface Security {}

  /** Not at all; nothing secret is sent. */
  public record Plaintext() implements Security {}

  /**
   * TLS. Files are read anew for each connection.
   *
   * @param authorities PEM certificates to trust; the system's when empty
   * @param serverName in the server's certificate, when it is not the address's host
   * @param client our certificate
   * @param token sent as a bearer token, such as a Kubernetes service account's
   */
  public record Tls(
      Optional<Path> authorities,
      Optional<String> serverName,
      Optional<ClientCertificate> client,
      Optional<Path> token)
      implements Security {}

  /** PEM files; the chain begins with our own certificate. */
  public record ClientCertificate(Path chain, Path key) {}

  /** Where and how, for log lines and notes. */
  String describe() {
    return switch (security) {
      case Plaintext() -> address + " (plaintext)";
      case Tls tls ->
          "%s (TLS, trusting %s%s%s)"
              .formatted(
                  address,
                  tls.authorities().map(Path::toString).orElse("the system's certificates"),
                  tls.client().map(c -> ", certificate " + c.chain()).orElse(""),
                  tls.token().map(t -> ", token " + t).orElse(""));
    };
  }
}
