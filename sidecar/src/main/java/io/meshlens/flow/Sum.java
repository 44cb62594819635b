// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

/** What the kernel sums up for each address pair; bytes are payload. */
public enum Sum {
  CONNECTIONS_OPENED,
  CONNECTIONS_CLOSED,
  CONNECTIONS_FAILED,
  BYTES_SENT,
  BYTES_RECEIVED,
  PACKETS_SENT,
  PACKETS_RECEIVED,
  RETRANSMITS;

  /** How many there are. */
  public static final int COUNT = values().length;
}
