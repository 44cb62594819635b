// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

/** Text between the quotes of a JSON string. Allocates: for what is rare or kept. */
final class JsonText {
  private JsonText() {}

  static String escaped(String text) {
    StringBuilder escaped = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char ch = text.charAt(i);
      if (ch == '"' || ch == '\\') {
        escaped.append('\\').append(ch);
      } else if (ch < ' ' || ch == 0x7f) {
        escaped.append("\\u%04x".formatted((int) ch));
      } else {
        escaped.append(ch);
      }
    }
    return escaped.toString();
  }
}
