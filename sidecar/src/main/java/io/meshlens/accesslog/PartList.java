// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.meshlens.accesslog.EscapedText.Place;
import io.meshlens.flow.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/** Puts a line together whose parts are known when this program is written. */
final class PartList {
  private static final int NUMBER_BYTES = 20;

  private final List<TextPart> parts = new ArrayList<>();

  /** ASCII between values. */
  PartList literal(String ascii) {
    byte[] bytes = ascii.getBytes(US_ASCII);
    parts.add(
        TextPart.of(
            bytes.length,
            (c, out, at) -> {
              System.arraycopy(bytes, 0, out, at, bytes.length);
              return at + bytes.length;
            }));
    return this;
  }

  PartList number(ToLongFunction<Connection> value) {
    parts.add(
        TextPart.of(NUMBER_BYTES, (c, out, at) -> Digits.write(value.applyAsLong(c), out, at)));
    return this;
  }

  /** A dash when it is unknown. */
  PartList value(TextPart value) {
    parts.add(FormatString.orUnknown(value, Integer.MAX_VALUE));
    return this;
  }

  /** Nothing when it is unknown. */
  PartList ifKnown(TextPart value) {
    parts.add(value);
    return this;
  }

  /** Not between quotes; a dash when it is empty. */
  PartList bare(Function<Connection, String> text) {
    return value(TextOperators.text(Place.BARE, EscapedText.MAX_CHARS, text));
  }

  /** {@code KEY="TEXT"}, or nothing when the text is empty. */
  PartList quotedIfKnown(String key, Function<Connection, String> text) {
    TextPart value = TextOperators.text(Place.QUOTED, EscapedText.MAX_CHARS, text);
    byte[] before = (" " + key + "=\"").getBytes(US_ASCII);
    parts.add(
        TextPart.of(
            before.length + value.maxBytes() + 1,
            (c, out, start) -> {
              int at = start + before.length;
              int end = value.write(c, out, at);
              if (end == at) {
                return start;
              }
              System.arraycopy(before, 0, out, start, before.length);
              out[end] = '"';
              return end + 1;
            }));
    return this;
  }

  TextFormat format() {
    return new TextFormat(parts);
  }
}
