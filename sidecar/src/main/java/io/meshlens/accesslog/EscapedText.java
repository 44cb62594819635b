// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

/**
 * Texts that others have chosen, such as a process's name, so that none can end a line, leave its
 * quotes or pass for another field. Without allocation.
 */
final class EscapedText {
  /** Longest text written, characters; what is beyond is left out. */
  static final int MAX_CHARS = 256;

  /** What one character becomes at most: {@code \\u2028}. */
  static final int MAX_BYTES_PER_CHAR = 6;

  private static final char REPLACEMENT = '\ufffd';
  private static final byte[] HEX = {
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'
  };

  /** Where the text will stand. */
  enum Place {
    /** Between double quotes: blanks are plain. */
    QUOTED,
    /** Between blanks and commas, which are escaped. */
    BARE
  }

  private EscapedText() {}

  /**
   * Writes a text as UTF-8. Control characters, Unicode's line ends, quotes and backslashes are
   * escaped; half surrogates become U+FFFD.
   *
   * @param maxChars at most so many of the text's characters
   * @return the index after the last byte
   */
  static int write(String text, Place place, int maxChars, byte[] out, int at) {
    int end = Math.min(text.length(), maxChars);
    if (end < text.length() && end > 0 && Character.isHighSurrogate(text.charAt(end - 1))) {
      end--;
    }
    for (int i = 0; i < end; i++) {
      char c = text.charAt(i);
      if (Character.isHighSurrogate(c)
          && i + 1 < end
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        at = writeFourBytes(Character.toCodePoint(c, text.charAt(++i)), out, at);
      } else {
        at = write(Character.isSurrogate(c) ? REPLACEMENT : c, place, out, at);
      }
    }
    return at;
  }

  private static int write(char c, Place place, byte[] out, int at) {
    if (c == '"' || c == '\\') {
      out[at++] = '\\';
      out[at++] = (byte) c;
    } else if (c < ' ' || c == 0x7f || (place == Place.BARE && (c == ' ' || c == ','))) {
      at = escape('x', c, 2, out, at);
    } else if (c < 0x80) {
      out[at++] = (byte) c;
    } else if (c < 0xa0 || c == 0x2028 || c == 0x2029) {
      at = escape('u', c, 4, out, at);
    } else if (c < 0x800) {
      out[at++] = (byte) (0xc0 | c >>> 6);
      out[at++] = (byte) (0x80 | (c & 0x3f));
    } else {
      out[at++] = (byte) (0xe0 | c >>> 12);
      out[at++] = (byte) (0x80 | (c >>> 6 & 0x3f));
      out[at++] = (byte) (0x80 | (c & 0x3f));
    }
    return at;
  }

  private static int escape(char kind, char c, int digits, byte[] out, int at) {
    out[at++] = '\\';
    out[at++] = (byte) kind;
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
      out[at++] = HEX[c >>> shift & 0xf];
    }
    return at;
  }

  private static int writeFourBytes(int codePoint, byte[] out, int at) {
    out[at++] = (byte) (0xf0 | codePoint >>> 18);
    out[at++] = (byte) (0x80 | (codePoint >>> 12 & 0x3f));
    out[at++] = (byte) (0x80 | (codePoint >>> 6 & 0x3f));
    out[at++] = (byte) (0x80 | (codePoint & 0x3f));
    return at;
  }
}
