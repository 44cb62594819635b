// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

/** What gets a series of its own, from fine to coarse; an attribute names the coarsest with it. */
public enum Detail {
  ADDRESS("address"),
  WORKLOAD("workload"),
  SERVICE("service"),
  NAMESPACE("namespace");

  private final String label;

  Detail(String label) {
    this.label = label;
  }

  /** The value of {@code metrics.detail}. */
  public String label() {
    return label;
  }

  boolean isCoarserThan(Detail other) {
    return ordinal() > other.ordinal();
  }
}
