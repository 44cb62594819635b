// SPDX-License-Identifier: Apache-2.0
package io.meshlens.spool;

/**
 * Some records in one message of the receiver's protocol. Nobody changes the bytes any more.
 *
 * @param message encoded
 * @param records how many are in it
 */
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
public record Batch(byte[] message, int records) {
  /** What a batch takes in memory beside its message. */
  static final int OVERHEAD_BYTES = 64;

  long memoryBytes() {
    return (long) message.length + OVERHEAD_BYTES;
  }
}
