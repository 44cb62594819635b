// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

/** Which side of a connection the reporting socket is. */
public enum Direction {
  /** This side connected. */
  OUTBOUND("outbound", "source"),
  /** This side accepted. */
  INBOUND("inbound", "destination");

  private final String label;
  private final String reporter;

  Direction(String label, String reporter) {
    this.label = label;
    this.reporter = reporter;
  }

  /** The value of {@code direction} in the access log. */
  public String label() {
    return label;
  }

  /** The value of the metric attribute {@code reporter}, as Istio names it. */
  public String reporter() {
    return reporter;
  }
}
