// SPDX-License-Identifier: Apache-2.0
package io.meshlens.wire;

/** The kernel object was built from another wire.h than this program; the message is a table. */
public final class LayoutMismatchException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  LayoutMismatchException(String table) {
    super(table);
  }
}
