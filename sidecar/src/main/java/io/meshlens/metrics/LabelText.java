// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;

/**
 * Makes texts of others fit for every receiver. Names come from API servers, control planes and
 * files; one that breaks a page of metrics would take all others with it.
 */
final class LabelText {
  /** The longest value, in UTF-16 units: four times what Kubernetes allows for a name. */
  static final int MAX_LENGTH = 1024;

  private static final char REPLACEMENT = '\ufffd';

  private final Vitals vitals;

  LabelText(Vitals vitals) {
    this.vitals = vitals;
  }

  /**
   * The text itself, or a counted change of it: cut at {@link #MAX_LENGTH}, and with U+FFFD for
   * half surrogates, which have no UTF-8, and for control characters but line feed and tab, some of
   * which end the page for a Prometheus that reads it.
   */
  String clean(String text) {
    String cut = text;
    if (text.length() > MAX_LENGTH) {
      vitals.increment(Vital.LABEL_VALUES_TRUNCATED);
      int end = Character.isHighSurrogate(text.charAt(MAX_LENGTH - 1)) ? 1 : 0;
      cut = text.substring(0, MAX_LENGTH - end);
    }
    StringBuilder changed = new StringBuilder();
    int clean = 0;
    for (int i = 0; i < cut.length(); i++) {
      if (!isFit(cut, i)) {
        changed.append(cut, clean, i).append(REPLACEMENT);
        clean = i + 1;
      }
    }
    if (clean == 0) {
      return cut;
    }
    vitals.increment(Vital.LABEL_VALUES_REPLACED);
    return changed.append(cut, clean, cut.length()).toString();
  }

  private static boolean isFit(String text, int at) {
    char c = text.charAt(at);
    if (Character.isHighSurrogate(c)) {
      return at + 1 < text.length() && Character.isLowSurrogate(text.charAt(at + 1));
    }
    if (Character.isLowSurrogate(c)) {
      return at > 0 && Character.isHighSurrogate(text.charAt(at - 1));
    }
    return !Character.isISOControl(c) || c == '\n' || c == '\t';
  }
}
