// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.xds;

import io.meshlens.vitals.Vital;

/** A resource that cannot be taken; the one before it, if any, stays in force. */
final class Refusal extends Exception {
  private static final long serialVersionUID = 1L;

  private final Vital cause;

  Refusal(Vital cause, String reason) {
    super(reason, null, false, false);
    this.cause = cause;
  }

  /** What counts it. */
  Vital vital() {
    return cause;
  }
}
