// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.nio.ByteBuffer;

/** Takes the records of a {@link RingBuffer} in place. */
@FunctionalInterface
public interface RecordConsumer {
  /**
   * Takes one record. It may be read until this returns, by absolute reads; then the kernel may
   * overwrite it. A record that makes this throw counts as taken.
   *
   * @param data the ring's memory, in native order; the same buffer for every record
   * @param offset where in {@code data} the record begins, a multiple of 8
   * @param length the record's length in bytes
   */
  void accept(ByteBuffer data, int offset, int length);
}
