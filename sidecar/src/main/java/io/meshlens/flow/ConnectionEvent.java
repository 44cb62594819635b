// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

/** What a record says about its connection. */
public enum ConnectionEvent {
  /** It was established and is over. */
  CLOSED("closed"),
  /** It was never established. */
  FAILED("failed"),
  /** It is established; all numbers are those of now. */
  PERIODIC("periodic"),
  /** It has just been established. */
  OPENED("opened");

  private final String label;

  ConnectionEvent(String label) {
    this.label = label;
  }

  /** Whether more of the connection is to come. */
  public boolean isOpen() {
    return this == PERIODIC || this == OPENED;
  }

  /** The value of {@code event} in the access log. */
  public String label() {
    return label;
  }
}
