// SPDX-License-Identifier: Apache-2.0
package io.meshlens.spool;

/** Hears of records that a spool gives up, and of what went wrong. Must not block. */
public interface Losses {
  void lost(LossCause cause, long records);

  /** The disk failed an attempt to write or read; records in question are kept or reported lost. */
  void failed(String what);
}
