// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

/** In whose words metrics and attributes are named; the numbers behind them are the same. */
public enum Profile {
  /** OpenTelemetry's conventions. */
  OTEL("otel"),
  /** Istio's standard metrics, as ztunnel fills them. */
  ISTIO("istio"),
  /** Kmesh's, with Istio's orientation of sent and received. */
  KMESH("kmesh");

  private final String label;

  Profile(String label) {
    this.label = label;
  }

  /** The value of {@code metrics.profile}. */
  public String label() {
    return label;
  }
}
