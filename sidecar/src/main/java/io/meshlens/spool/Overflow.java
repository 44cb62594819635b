// SPDX-License-Identifier: Apache-2.0
package io.meshlens.spool;

/** What gives way when a bound is reached. */
public enum Overflow {
  DROP_OLDEST("drop_oldest"),
  DROP_NEWEST("drop_newest");

  private final String label;

  Overflow(String label) {
    this.label = label;
  }

  public String label() {
    return label;
  }
}
