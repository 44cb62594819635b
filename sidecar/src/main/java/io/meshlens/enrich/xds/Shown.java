// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.xds;

/** Texts of others, made fit for a log line and for an answer. */
final class Shown {
  private static final int LONGEST_CHARS = 120;

  /** In quotes, on one line, cut where it is long. */
  static String text(String text) {
    StringBuilder shown = new StringBuilder("\"");
    text.codePoints()
        .limit(LONGEST_CHARS)
        .forEach(c -> shown.appendCodePoint(isPlain(c) ? c : '?'));
    return shown.append(text.length() > LONGEST_CHARS ? "...\"" : "\"").toString();
  }

  private static boolean isPlain(int codePoint) {
    return !Character.isISOControl(codePoint) && Character.isDefined(codePoint);
  }

  private Shown() {}
}
