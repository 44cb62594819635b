// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * Where the Kubernetes API is and what it does not tell.
 *
 * @param apiServer another than the one that the pod's environment names
 * @param kubeconfig a file that says where the API server is and how to sign in; wins over the rest
 * @param tokenFile read again for every request
 * @param certificateAuthority PEM file of who signs the API server's certificate
 * @param cluster name of the cluster; empty when unknown
 * @param trustDomain of the mesh's certificates; empty when unknown
 * @param clusterDomain of the cluster's DNS, such as {@code cluster.local}
 * @param meshNamespace where the control plane lives: its label names the Istio network
 * @param node the node that this program runs on
 * @param idle how long a request may bring nothing before it is given up
 * @param watchIdle the same of a watch, which brings a bookmark a minute
 * @param retryFirst first pause after a failure; the next ones double
 * @param retryLongest no pause is longer
 */
public record KubernetesConfig(
    Optional<URI> apiServer,
    Optional<Path> kubeconfig,
    Path tokenFile,
    Path certificateAuthority,
    String cluster,
    String trustDomain,
    String clusterDomain,
    String meshNamespace,
    String node,
    Duration idle,
    Duration watchIdle,
    Duration retryFirst,
    Duration retryLongest) {
  /** Where every pod with a service account finds its own. */
  public static final Path SERVICE_ACCOUNT =
      Path.of("/var/run/secrets/kubernetes.io/serviceaccount");
}
