// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import org.jspecify.annotations.Nullable;

/** A failure in one line for a log. */
final class Causes {
  private static final int MAX_CHARS = 300;

  private Causes() {}

  static boolean has(@Nullable Throwable failure, Class<? extends Throwable> type) {
    for (Throwable each = failure; each != null; each = each.getCause()) {
      if (type.isInstance(each)) {
        return true;
      }
    }
    return false;
  }

  /** The innermost words that there are, with the kind of failure. */
  static String text(@Nullable Throwable failure) {
    Throwable said = failure;
    for (Throwable each = failure; each != null; each = each.getCause()) {
      if (each.getMessage() != null) {
        said = each;
      }
    }
    return said == null ? "failed" : printable(said.toString(), MAX_CHARS);
  }

  /** On one line, without control characters, and not longer than that. */
  static String printable(String text, int maxChars) {
    String line = text.replaceAll("[\\p{Cntrl}]+", " ");
    return line.length() <= maxChars ? line : line.substring(0, maxChars) + "...";
  }
}
