// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

/** A duration of which each ended connection gives a sample. */
public enum Timing {
  /** From SYN to established, of outbound connections. */
  CONNECT,
  /** Smoothed round-trip time at the end. */
  RTT,
  /** From the first SYN to the end. */
  CONNECTION
}
