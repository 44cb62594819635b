// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import io.meshlens.flow.Connection;

/** A piece of a text line: the value of one operator, or what stands between two. */
interface TextPart {
  /** Returns the index after the piece, which is {@code at} when the value is unknown. */
  int write(Connection c, byte[] out, int at);

  /** No value is longer. */
  int maxBytes();

  /** Whether a length that is asked for is kept by {@link #write}, which must not cut an escape. */
  boolean limitsItself();

  /** A part that is never escaped. */
  static TextPart of(int maxBytes, Writer writer) {
    return of(maxBytes, writer, false);
  }

  /** A part that may be escaped and keeps the length that is asked for. */
  static TextPart limited(int maxBytes, Writer writer) {
    return of(maxBytes, writer, true);
  }

  private static TextPart of(int maxBytes, Writer writer, boolean limitsItself) {
    return new TextPart() {
      @Override
      public int write(Connection c, byte[] out, int at) {
        return writer.write(c, out, at);
      }

      @Override
      public int maxBytes() {
        return maxBytes;
      }

      @Override
      public boolean limitsItself() {
        return limitsItself;
      }
    };
  }

  /** {@link #write} alone. */
  @FunctionalInterface
  interface Writer {
    int write(Connection c, byte[] out, int at);
  }
}
