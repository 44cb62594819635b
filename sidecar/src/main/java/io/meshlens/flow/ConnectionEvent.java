// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

/** What a record says about its connection. */
public enum ConnectionEvent {
  /** It was established and is over. */
  CLOSED("closed"),
  /** It was never established. */
  FAILED("failed"),
  /** It is established; all numbers are those of now. */
  PERIODIC("periodic");

  private final String label;

  ConnectionEvent(String label) {
    this.label = label;
  }

  /** The value of {@code event} in the access log. */
  public String label() {
    return label;
  }
}
