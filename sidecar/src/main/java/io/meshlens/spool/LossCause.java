// SPDX-License-Identifier: Apache-2.0
package io.meshlens.spool;

/** Why a spool gave records up. */
public enum LossCause {
  /** The bound was reached and the oldest gave way. */
  OLDEST_DROPPED,
  /** The bound was reached and the newest were not taken. */
  NEWEST_DROPPED,
  /** What was on disk cannot be read back. */
  UNREADABLE,
  /** The spool was closed: nobody is left to deliver what is in memory. */
  CLOSED
}
