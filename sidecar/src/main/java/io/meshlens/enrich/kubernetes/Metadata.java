// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import java.io.IOException;

/** The part that all objects have alike. Mutable and reused. Owned by: one thread. */
final class Metadata {
  String namespace = "";
  String name = "";
  String resourceVersion = "";
  long createdEpochNs;
  Seen.Owner owner = Seen.Owner.NONE;
  String templateHash = "";
  String rolloutHash = "";
  String network = "";
  String serviceName = "";
  private String istioName = "";
  private String recommendedName = "";
  private String app = "";
  private String istioRevision = "";
  private String recommendedVersion = "";
  private String version = "";

  void clear() {
    namespace = "";
    name = "";
    resourceVersion = "";
    createdEpochNs = 0;
    owner = Seen.Owner.NONE;
    templateHash = "";
    rolloutHash = "";
    network = "";
    serviceName = "";
    istioName = "";
    recommendedName = "";
    app = "";
    istioRevision = "";
    recommendedVersion = "";
    version = "";
  }

  void read(JsonFields fields) throws IOException {
    fields.object(
        field -> {
          switch (field) {
            case "namespace" -> namespace = fields.sharedText();
            case "name" -> name = fields.text();
            case "resourceVersion" -> resourceVersion = fields.text();
            case "creationTimestamp" -> createdEpochNs = fields.time();
            case "labels" -> fields.object(label -> readLabel(label, fields));
            case "ownerReferences" -> fields.list(() -> readOwner(fields));
            default -> {}
          }
        });
  }

  private void readLabel(String label, JsonFields fields) throws IOException {
    switch (label) {
      case "pod-template-hash" -> templateHash = fields.sharedText();
      case "rollouts-pod-template-hash" -> rolloutHash = fields.sharedText();
      case "topology.istio.io/network" -> network = fields.sharedText();
      case "kubernetes.io/service-name" -> serviceName = fields.sharedText();
      case "service.istio.io/canonical-name" -> istioName = fields.sharedText();
      case "app.kubernetes.io/name" -> recommendedName = fields.sharedText();
      case "app" -> app = fields.sharedText();
      case "service.istio.io/canonical-revision" -> istioRevision = fields.sharedText();
      case "app.kubernetes.io/version" -> recommendedVersion = fields.sharedText();
      case "version" -> version = fields.sharedText();
      default -> {}
    }
  }

  private void readOwner(JsonFields fields) throws IOException {
    String[] found = {"", ""};
    boolean[] controls = {false};
    fields.object(
        field -> {
          switch (field) {
            case "kind" -> found[0] = fields.sharedText();
            case "name" -> found[1] = fields.sharedText();
            case "controller" -> controls[0] = fields.isTrue();
            default -> {}
          }
        });
    if (controls[0]) {
      owner = new Seen.Owner(found[0], found[1]);
    }
  }

  String canonicalName() {
    return firstOf(istioName, recommendedName, app);
  }

  String canonicalRevision() {
    return firstOf(istioRevision, recommendedVersion, version);
  }

  private static String firstOf(String... texts) {
    for (String text : texts) {
      if (!text.isEmpty()) {
        return text;
      }
    }
    return "";
  }
}
