// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Times by a pattern of strftime(3) with Envoy's additions, in UTC. What is the same for a whole
 * second is remembered.
 */
final class TimePattern {
  /** Envoy's default. */
  static final String DEFAULT = "%Y-%m-%dT%H:%M:%E3SZ";

  private static final long NANOS_PER_SECOND = 1_000_000_000L;
  private static final int MAX_DIGITS = 9;
  private static final int MAX_STEP_BYTES = 32;

  /** Conversions that stay the same for a second, as the JDK writes them. */
  private static final Map<Character, String> PER_SECOND =
      Map.ofEntries(
          Map.entry('Y', "uuuu"),
          Map.entry('y', "uu"),
          Map.entry('m', "MM"),
          Map.entry('d', "dd"),
          Map.entry('e', "ppd"),
          Map.entry('j', "DDD"),
          Map.entry('H', "HH"),
          Map.entry('I', "hh"),
          Map.entry('M', "mm"),
          Map.entry('S', "ss"),
          Map.entry('p', "a"),
          Map.entry('a', "EEE"),
          Map.entry('A', "EEEE"),
          Map.entry('b', "MMM"),
          Map.entry('h', "MMM"),
          Map.entry('B', "MMMM"),
          Map.entry('F', "uuuu-MM-dd"),
          Map.entry('T', "HH:mm:ss"),
          Map.entry('R', "HH:mm"),
          Map.entry('D', "MM/dd/uu"),
          Map.entry('z', "'+0000'"),
          Map.entry('Z', "'UTC'"));

  /** Either a text of the second, or so many digits of its fraction. */
  private record Step(String literal, DateTimeFormatter perSecond, int fractionDigits) {}

  private static final DateTimeFormatter NOTHING = DateTimeFormatter.ofPattern("");

  /** Stands for seconds since the epoch, which the JDK has no pattern for. */
  private static final DateTimeFormatter EPOCH = DateTimeFormatter.ofPattern("'s'");

  private final List<Step> steps;
  private final byte[][] texts;
  private final int maxBytes;
  private long second = Long.MIN_VALUE;

  private TimePattern(List<Step> steps) {
    this.steps = steps;
    texts = new byte[steps.size()][];
    maxBytes =
        steps.stream().mapToInt(s -> s.literal.getBytes(UTF_8).length + MAX_STEP_BYTES).sum();
  }

  /** The conversions that a pattern may have, for messages. */
  static String known() {
    List<String> names = new ArrayList<>(PER_SECOND.keySet().stream().map(c -> "%" + c).toList());
    names.addAll(List.of("%s", "%f", "%1f to %9f", "%E1S to %E9S", "%%"));
    names.sort(null);
    return String.join(" ", names);
  }

  /**
   * Reads a pattern.
   *
   * @param problems takes each conversion that there is not, with its position in the pattern
   */
  static TimePattern of(String pattern, List<String> problems) {
    List<Step> steps = new ArrayList<>();
    StringBuilder literal = new StringBuilder();
    int i = 0;
    while (i < pattern.length()) {
      char c = pattern.charAt(i);
      if (c != '%') {
        literal.append(c);
        i++;
        continue;
      }
      String rest = pattern.substring(i + 1);
      int used = 1;
      if (rest.startsWith("%")) {
        literal.append('%');
      } else if (rest.matches("(?s)E[1-9]S.*")) {
        add(steps, literal, "ss.", rest.charAt(1) - '0');
        used = 3;
      } else if (rest.matches("(?s)[1-9]f.*")) {
        add(steps, literal, "", rest.charAt(0) - '0');
        used = 2;
      } else if (rest.startsWith("f")) {
        add(steps, literal, "", MAX_DIGITS);
      } else if (rest.startsWith("s")) {
        add(steps, literal, "EPOCH", 0);
      } else if (!rest.isEmpty() && PER_SECOND.containsKey(rest.charAt(0))) {
        add(steps, literal, PER_SECOND.getOrDefault(rest.charAt(0), ""), 0);
      } else {
        problems.add(
            "no time conversion at character %d of \"%s\"; there are %s"
                .formatted(i + 1, pattern, known()));
      }
      i += 1 + used;
    }
    if (!literal.isEmpty()) {
      add(steps, literal, "", 0);
    }
    return new TimePattern(List.copyOf(steps));
  }

  private static void add(List<Step> steps, StringBuilder literal, String pattern, int digits) {
    DateTimeFormatter formatter =
        switch (pattern) {
          case "" -> NOTHING;
          case "EPOCH" -> EPOCH;
          default -> DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH);
        };
    steps.add(new Step(literal.toString(), formatter, digits));
    literal.setLength(0);
  }

  int maxBytes() {
    return maxBytes;
  }

  /** Returns the index after the text. */
  int write(long epochNs, byte[] out, int at) {
    long epochSecond = Math.floorDiv(epochNs, NANOS_PER_SECOND);
    if (epochSecond != second) {
      remember(epochSecond);
    }
    int nanos = (int) Math.floorMod(epochNs, NANOS_PER_SECOND);
    for (int i = 0; i < texts.length; i++) {
      byte[] text = texts[i];
      System.arraycopy(text, 0, out, at, text.length);
      at += text.length;
      int digits = steps.get(i).fractionDigits;
      if (digits > 0) {
        at = writeFraction(nanos, digits, out, at);
      }
    }
    return at;
  }

  private static int writeFraction(int nanos, int digits, byte[] out, int at) {
    int value = nanos;
    for (int i = digits; i < MAX_DIGITS; i++) {
      value /= 10;
    }
    return Digits.writePadded(value, digits, out, at);
  }

  private void remember(long epochSecond) {
    LocalDateTime time = LocalDateTime.ofEpochSecond(epochSecond, 0, ZoneOffset.UTC);
    for (int i = 0; i < texts.length; i++) {
      Step step = steps.get(i);
      String text = step.perSecond == EPOCH ? "" + epochSecond : step.perSecond.format(time);
      texts[i] = (step.literal + text).getBytes(UTF_8);
    }
    second = epochSecond;
  }
}
