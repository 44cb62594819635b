// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

/** What carries a connection. */
public enum Transport {
  TCP("tcp"),
  UDP("udp");

  private final String label;

  Transport(String label) {
    this.label = label;
  }

  /** The value of {@code protocol} in the access log and of {@code network.transport}. */
  public String label() {
    return label;
  }
}
