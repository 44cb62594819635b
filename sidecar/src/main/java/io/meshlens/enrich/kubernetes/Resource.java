// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import com.google.common.collect.ImmutableList;
import java.util.Locale;

/** The kinds of objects that are looked at. */
public enum Resource {
  PODS("", Detail.WHOLE, "v1"),
  SERVICES("", Detail.WHOLE, "v1"),
  /** In {@code v1} from Kubernetes 1.21 on, in {@code v1beta1} from 1.17 to 1.24. */
  ENDPOINT_SLICES("discovery.k8s.io", Detail.WHOLE, "v1", "v1beta1"),
  NODES("", Detail.WHOLE, "v1"),
  NAMESPACES("", Detail.METADATA, "v1");

  /** How much of each object is asked for. */
  enum Detail {
    WHOLE,
    METADATA
  }

  private final String group;
  private final Detail detail;
  private final ImmutableList<String> versions;

  Resource(String group, Detail detail, String... versions) {
    this.group = group;
    this.detail = detail;
    this.versions = ImmutableList.copyOf(versions);
  }

  /** As in a rule of a ClusterRole. */
  public String plural() {
    return name().toLowerCase(Locale.ROOT).replace("_", "");
  }

  /** API group; empty for the core. */
  public String group() {
    return group;
  }

  /** The one that is tried first in front. */
  ImmutableList<String> versions() {
    return versions;
  }

  String path(String version) {
    String root = group.isEmpty() ? "api/" : "apis/" + group + "/";
    return root + version + "/" + plural();
  }

  String accepted() {
    return switch (detail) {
      case WHOLE -> "application/json";
      case METADATA ->
          "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
    };
  }

  String acceptedByWatch() {
    return switch (detail) {
      case WHOLE -> "application/json";
      case METADATA ->
          "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
    };
  }
}
