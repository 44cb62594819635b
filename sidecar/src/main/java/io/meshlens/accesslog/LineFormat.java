// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import io.meshlens.flow.Connection;

/** What a connection looks like as one line. Owned by: ring-reader. */
public interface LineFormat {
  /**
   * Writes one line with its newline, which is its only one.
   *
   * @param target has room for {@link #maxLineBytes} from {@code offset}
   * @return the index after the last byte written
   */
  int write(Connection c, byte[] target, int offset);

  /** No line is longer. */
  int maxLineBytes();
}
