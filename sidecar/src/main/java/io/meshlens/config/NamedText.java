// SPDX-License-Identifier: Apache-2.0
package io.meshlens.config;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URLDecoder;
import java.net.URLEncoder;
import java.util.List;

/**
 * NAME=VALUE, as in lists of headers and attributes. As text, a value may be percent-encoded, and
 * must be where it has a separator of the list.
 */
public record NamedText(String name, String value) {
  private static final String EXPECTATION =
      "expected NAME=VALUE, with percent-encoded separators and percent signs in the value";

  /** What is wrong with a text, without the value, which may be a secret. */
  public static List<String> problems(String text) {
    int equals = text.indexOf('=');
    if (equals < 1 || text.substring(0, equals).isBlank()) {
      return List.of("an element without a name; " + EXPECTATION);
    }
    try {
      of(text);
      return List.of();
    } catch (IllegalArgumentException e) {
      return List.of(
          text.substring(0, equals).strip() + ": a wrong percent-encoding; " + EXPECTATION);
    }
  }

  /** A text without problems. */
  public static NamedText of(String text) {
    int equals = text.indexOf('=');
    return new NamedText(
        text.substring(0, equals).strip(),
        // A form's plus sign for a space is not part of this encoding.
        URLDecoder.decode(text.substring(equals + 1).strip().replace("+", "%2B"), UTF_8));
  }

  /** The text of which this is made again, whatever separates a list. */
  public String text() {
    return name + "=" + URLEncoder.encode(value, UTF_8).replace("+", "%20");
  }

  /** Without the value, which may be a secret. */
  @Override
  public String toString() {
    return name + "=***";
  }
}
