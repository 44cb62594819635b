// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshlens.accesslog.EscapedText.Place;
import io.meshlens.accesslog.TextOperators.Maker;
import io.meshlens.accesslog.TextOperators.Use;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A line in the format language of Envoy's access logs. */
final class FormatString {
  /** {@code NAME}, {@code NAME(argument)}, either with {@code :length}; then a percent sign. */
  private static final Pattern OPERATOR =
      Pattern.compile("%([A-Z0-9_]+)(?:\\((.*?)\\))?(?::(\\d{1,4}))?%", Pattern.DOTALL);

  private static final byte[] UNKNOWN = {'-'};

  private final Map<String, Maker> makers;
  private final List<String> problems = new ArrayList<>();
  private final List<TextPart> parts = new ArrayList<>();
  private final StringBuilder literal = new StringBuilder();
  private Place place = Place.BARE;

  private FormatString(Map<String, Maker> makers) {
    this.makers = makers;
  }

  /** The parts of a line without its newline; what is wrong goes to {@code problems}. */
  static List<TextPart> parse(String format, TextOperators operators, List<String> problems) {
    FormatString string = new FormatString(operators.makers());
    string.read(format);
    problems.addAll(string.problems);
    return List.copyOf(string.parts);
  }

  private void read(String format) {
    Matcher operator = OPERATOR.matcher(format);
    int i = 0;
    while (i < format.length()) {
      char c = format.charAt(i);
      if (c == '\n' || c == '\r') {
        problem(i, "a line has one line end, which comes by itself");
        i++;
      } else if (c != '%') {
        literal(c);
        i++;
      } else if (format.startsWith("%%", i)) {
        literal('%');
        i += 2;
      } else if (operator.region(i, format.length()).lookingAt()) {
        operator(i, operator);
        i = operator.end();
      } else {
        problem(i, "a percent sign that begins no operator; %% is a percent sign");
        i++;
      }
    }
    endLiteral();
  }

  private void literal(char c) {
    literal.append(c);
    if (c == '"') {
      place = place == Place.QUOTED ? Place.BARE : Place.QUOTED;
    }
  }

  private void endLiteral() {
    if (!literal.isEmpty()) {
      byte[] bytes = literal.toString().getBytes(UTF_8);
      literal.setLength(0);
      parts.add(
          TextPart.of(
              bytes.length,
              (c, out, at) -> {
                System.arraycopy(bytes, 0, out, at, bytes.length);
                return at + bytes.length;
              }));
    }
  }

  private void operator(int at, Matcher matched) {
    String name = matched.group(1);
    Maker maker = makers.get(name);
    if (maker == null) {
      problem(
          at,
          "no operator %%%s%%; nearest: %%%s%%"
              .formatted(name, NearestName.of(name, makers.keySet())));
      return;
    }
    String argument = matched.group(2) == null ? "" : matched.group(2);
    int maxChars =
        matched.group(3) == null ? EscapedText.MAX_CHARS : Integer.parseInt(matched.group(3));
    if (maxChars == 0) {
      problem(at, "a length of 0 leaves nothing of %%%s%%".formatted(name));
    }
    List<String> wrong = new ArrayList<>();
    TextPart part = maker.make(new Use(argument, maxChars, place, wrong));
    wrong.forEach(text -> problem(at, text));
    endLiteral();
    parts.add(orUnknown(part, maxChars));
  }

  private void problem(int at, String text) {
    problems.add("character %d: %s".formatted(at + 1, text));
  }

  /** A dash for what is unknown, and no more than asked for. */
  static TextPart orUnknown(TextPart part, int maxChars) {
    int most = part.limitsItself() ? Integer.MAX_VALUE : maxChars;
    return TextPart.of(
        Math.max(part.maxBytes(), UNKNOWN.length),
        (c, out, at) -> {
          int end = part.write(c, out, at);
          if (end == at) {
            out[at] = UNKNOWN[0];
            return at + 1;
          }
          return end - at > most ? at + most : end;
        });
  }
}
