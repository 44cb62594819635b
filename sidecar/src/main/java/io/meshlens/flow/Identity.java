// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

/**
 * Who an address belongs to, in the words of a mesh. Every text is empty when unknown, so {@link
 * #UNKNOWN} has nothing but empty texts.
 *
 * @param cluster cluster that the workload runs in
 * @param network Istio network, where a mesh has several
 * @param node Kubernetes node
 * @param namespace of the workload
 * @param workload name of what owns the pods: a Deployment, a StatefulSet, ...; or the name that a
 *     static file or a container gives
 * @param workloadKind Kubernetes kind of the owner, such as {@code Deployment}
 * @param pod name
 * @param container name or id, where an address belongs to one
 * @param service Kubernetes service: the one dialled, or the only one that selects the workload
 * @param serviceNamespace namespace of the service
 * @param serviceHost fully qualified name of the service
 * @param app canonical name: label {@code service.istio.io/canonical-name}, {@code
 *     app.kubernetes.io/name} or {@code app}
 * @param version canonical revision: the same with {@code version}
 * @param serviceAccount Kubernetes service account
 * @param trustDomain SPIFFE trust domain
 * @param source who told, such as {@code kubernetes}; empty only in {@link #UNKNOWN}
 */
public record Identity(
    String cluster,
    String network,
    String node,
    String namespace,
    String workload,
    String workloadKind,
    String pod,
    String container,
    String service,
    String serviceNamespace,
    String serviceHost,
    String app,
    String version,
    String serviceAccount,
    String trustDomain,
    String source) {
  /** Nobody knows. */
  public static final Identity UNKNOWN = builder().build();

  /** Whether nobody told. */
  public boolean isUnknown() {
    return source.isEmpty();
  }

  public static Builder builder() {
    return new Builder();
  }

  /** A builder with these values. */
  public Builder toBuilder() {
    return new Builder()
        .cluster(cluster)
        .network(network)
        .node(node)
        .namespace(namespace)
        .workload(workload, workloadKind)
        .pod(pod)
        .container(container)
        .service(service, serviceNamespace, serviceHost)
        .app(app)
        .version(version)
        .serviceAccount(serviceAccount, trustDomain)
        .source(source);
  }

  /** Mutable; all texts begin empty. */
  public static final class Builder {
    private String cluster = "";
    private String network = "";
    private String node = "";
    private String namespace = "";
    private String workload = "";
    private String workloadKind = "";
    private String pod = "";
    private String container = "";
    private String service = "";
    private String serviceNamespace = "";
    private String serviceHost = "";
    private String app = "";
    private String version = "";
    private String serviceAccount = "";
    private String trustDomain = "";
    private String source = "";

    private Builder() {}

    public Builder cluster(String cluster) {
      this.cluster = cluster;
      return this;
    }

    public Builder network(String network) {
      this.network = network;
      return this;
    }

    public Builder node(String node) {
      this.node = node;
      return this;
    }

    public Builder namespace(String namespace) {
      this.namespace = namespace;
      return this;
    }

    public Builder pod(String pod) {
      this.pod = pod;
      return this;
    }

    public Builder container(String container) {
      this.container = container;
      return this;
    }

    public Builder app(String app) {
      this.app = app;
      return this;
    }

    public Builder version(String version) {
      this.version = version;
      return this;
    }

    public Builder source(String source) {
      this.source = source;
      return this;
    }

    public Builder workload(String name, String kind) {
      workload = name;
      workloadKind = kind;
      return this;
    }

    public Builder service(String name, String namespaceOfService, String host) {
      service = name;
      serviceNamespace = namespaceOfService;
      serviceHost = host;
      return this;
    }

    public Builder serviceAccount(String name, String domain) {
      serviceAccount = name;
      trustDomain = domain;
      return this;
    }

    public Identity build() {
      return new Identity(
          cluster,
          network,
          node,
          namespace,
          workload,
          workloadKind,
          pod,
          container,
          service,
          serviceNamespace,
          serviceHost,
          app,
          version,
          serviceAccount,
          trustDomain,
          source);
    }
  }
}
