// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich;

import io.meshlens.vitals.Vital;

/** Who can tell whose an address is. */
public enum IdentitySource {
  /** The Kubernetes API. */
  KUBERNETES("kubernetes", Vital.IDENTITY_HITS_KUBERNETES, Vital.IDENTITY_MISSES_KUBERNETES),
  /** The control plane of Istio or Kmesh. */
  ISTIO("istio", Vital.IDENTITY_HITS_ISTIO, Vital.IDENTITY_MISSES_ISTIO),
  /** A file of networks and names. */
  STATIC("static", Vital.IDENTITY_HITS_STATIC, Vital.IDENTITY_MISSES_STATIC);

  private final String label;
  private final Vital hits;
  private final Vital misses;

  IdentitySource(String label, Vital hits, Vital misses) {
    this.label = label;
    this.hits = hits;
    this.misses = misses;
  }

  /** As in {@link io.meshlens.flow.Identity#source()} and in settings. */
  public String label() {
    return label;
  }

  Vital hits() {
    return hits;
  }

  Vital misses() {
    return misses;
  }
}
