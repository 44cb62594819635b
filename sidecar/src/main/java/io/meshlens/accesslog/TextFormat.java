// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import io.meshlens.flow.Connection;
import java.util.ArrayList;
import java.util.List;

/** A line of text: the parts of a format one after the other. Owned by: ring-reader. */
final class TextFormat implements LineFormat {
  /** So that a chunk of the log takes more than one line. */
  static final int MAX_LINE_BYTES = 32 * 1024;

  /** {@link Piece} may write words of eight bytes beyond what is asked for. */
  private static final int SLACK_BYTES = 8;

  private final TextPart[] parts;
  private final int maxLineBytes;

  TextFormat(List<TextPart> parts) {
    this.parts = parts.toArray(new TextPart[0]);
    maxLineBytes = parts.stream().mapToInt(TextPart::maxBytes).sum() + SLACK_BYTES;
  }

  /** What is wrong with a format string; nothing when it is fine. */
  static List<String> problems(String format) {
    List<String> problems = new ArrayList<>();
    TextOperators operators = new TextOperators(new ConnectionIds("00000000"), "");
    TextFormat parsed = new TextFormat(FormatString.parse(format, operators, problems));
    if (parsed.maxLineBytes > MAX_LINE_BYTES) {
      problems.add(
          "a line could have %d bytes; at most %d: shorten texts by %%OPERATOR%%'s :LENGTH"
              .formatted(parsed.maxLineBytes, MAX_LINE_BYTES));
    }
    return problems;
  }

  @Override
  public int write(Connection c, byte[] target, int offset) {
    int at = offset;
    for (TextPart part : parts) {
      at = part.write(c, target, at);
    }
    target[at] = '\n';
    return at + 1;
  }

  @Override
  public int maxLineBytes() {
    return maxLineBytes;
  }
}
