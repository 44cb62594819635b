// SPDX-License-Identifier: Apache-2.0
package io.meshlens.config;

import com.google.common.base.Splitter;
import com.google.common.net.HostAndPort;
import com.google.common.net.InetAddresses;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * How the text of a value becomes a value.
 *
 * @param expectation what a valid text looks like, for error messages and the reference page
 * @param parser empty when the text does not fit
 * @param problems what is wrong with a text, in words; nothing when it fits
 * @param shape whether a file may have a list here
 */
public record ValueType<T>(
    String expectation,
    Function<String, Optional<T>> parser,
    Function<String, List<String>> problems,
    Shape shape) {
  /** What a file may have in the place of the value. */
  public enum Shape {
    SCALAR,
    LIST
  }

  /** Between the elements of a list that is written as one text. */
  static final String SEPARATOR = ";";

  private static final int MAX_PORT = 65_535;
  private static final Pattern BYTE_SIZE = Pattern.compile("(\\d{1,12})\\s*(|B|KiB|MiB|GiB)");
  private static final Pattern RATIO = Pattern.compile("0|1|1\\.0{1,9}|0\\.\\d{1,9}");
  private static final Pattern DURATION = Pattern.compile("(\\d{1,9})\\s*(ms|s|m|h)");

  ValueType(String expectation, Function<String, Optional<T>> parser) {
    this(
        expectation,
        parser,
        text -> parser.apply(text).isPresent() ? List.of() : List.of("expected " + expectation),
        Shape.SCALAR);
  }

  /**
   * Any number of elements: a list in a file, separated by semicolons elsewhere.
   *
   * @param problems what is wrong with the text of an element; nothing when it fits
   * @param element called with texts that have no problem
   */
  public static <E> ValueType<List<E>> list(
      String expectation, Function<String, List<String>> problems, Function<String, E> element) {
    Function<String, List<String>> all =
        text -> elements(text).stream().flatMap(e -> problems.apply(e).stream()).toList();
    return new ValueType<>(
        expectation,
        text ->
            all.apply(text).isEmpty()
                ? Optional.of(elements(text).stream().map(element).toList())
                : Optional.empty(),
        all,
        Shape.LIST);
  }

  private static List<String> elements(String text) {
    return Splitter.on(SEPARATOR).trimResults().omitEmptyStrings().splitToList(text);
  }

  public static ValueType<String> text() {
    return new ValueType<>("text", Optional::of);
  }

  public static ValueType<Boolean> bool() {
    return new ValueType<>(
        "true or false",
        text ->
            switch (text) {
              case "true" -> Optional.of(true);
              case "false" -> Optional.of(false);
              default -> Optional.empty();
            });
  }

  public static ValueType<Integer> integer(int least, int most) {
    return new ValueType<>(
        "a whole number from " + least + " to " + most,
        text -> parseLong(text).filter(n -> n >= least && n <= most).map(Math::toIntExact));
  }

  /** A size in bytes that is a power of two, as the kernel wants ring sizes. */
  public static ValueType<Integer> powerOfTwoBytes(int least, int most) {
    return new ValueType<>(
        "a power of two with a unit, from " + bytesText(least) + " to " + bytesText(most),
        text ->
            parseBytes(text)
                .filter(n -> n >= least && n <= most && Long.bitCount(n) == 1)
                .map(Math::toIntExact));
  }

  /** A size in bytes. */
  public static ValueType<Long> bytes(long least, long most) {
    return new ValueType<>(
        "a size such as 64KiB, 100MiB or 1GiB, from " + bytesText(least) + " to " + bytesText(most),
        text -> parseBytes(text).filter(n -> n >= least && n <= most));
  }

  /** A part of a whole. */
  public static ValueType<Double> ratio() {
    return new ValueType<>(
        "a number from 0 to 1, such as 0.25",
        text ->
            RATIO.matcher(text).matches()
                ? Optional.of(Double.parseDouble(text))
                : Optional.empty());
  }

  public static ValueType<Path> absolutePath() {
    return new ValueType<>(
        "an absolute path",
        text ->
            text.startsWith("/") && text.indexOf('\0') < 0
                ? Optional.of(Path.of(text))
                : Optional.empty());
  }

  /**
   * Text in some language.
   *
   * @param problems what is wrong with it, in words; nothing when it fits. Asked once, when the
   *     configuration is read
   */
  public static ValueType<String> language(
      String expectation, Function<String, List<String>> problems) {
    return new ValueType<>(expectation, Optional::of, problems, Shape.SCALAR);
  }

  public static ValueType<Duration> duration(Duration least, Duration most) {
    return new ValueType<>(
        "a duration such as 500ms, 10s or 5m, from "
            + durationText(least)
            + " to "
            + durationText(most),
        text -> parseDuration(text).filter(d -> d.compareTo(least) >= 0 && d.compareTo(most) <= 0));
  }

  /** HOST:PORT, IPv6 hosts in brackets. */
  public static ValueType<HostAndPort> hostAndPort() {
    return new ValueType<>(
        "HOST:PORT (IPv6 as [::1]:15020)",
        text -> {
          try {
            HostAndPort address = HostAndPort.fromString(text).requireBracketsForIPv6();
            return address.hasPort() && isHost(address.getHost())
                ? Optional.of(address)
                : Optional.empty();
          } catch (IllegalArgumentException e) {
            return Optional.empty();
          }
        });
  }

  /** A literal or a name; names with underscores occur in container networks. */
  private static boolean isHost(String host) {
    return InetAddresses.isInetAddress(host) || host.matches("[A-Za-z0-9._-]+");
  }

  public static ValueType<URI> httpUri() {
    return new ValueType<>(
        "http://HOST:PORT or https://HOST:PORT, with a path if the receiver needs one",
        text -> {
          try {
            URI uri = new URI(text);
            boolean http = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
            boolean reachable = uri.getHost() != null && uri.getPort() <= MAX_PORT;
            return http && reachable ? Optional.of(uri) : Optional.empty();
          } catch (URISyntaxException e) {
            return Optional.empty();
          }
        });
  }

  /** The type, or an empty text for "off". */
  public static <T> ValueType<Optional<T>> optional(ValueType<T> type) {
    return new ValueType<>(
        type.expectation + ", or empty for none",
        text -> {
          Optional<T> parsed = text.isEmpty() ? Optional.empty() : type.parse(text);
          return text.isEmpty() || parsed.isPresent() ? Optional.of(parsed) : Optional.empty();
        });
  }

  /** One of an enum's constants by {@code label}. */
  public static <E extends Enum<E>> ValueType<E> oneOf(
      Class<E> constants, Function<E, String> label) {
    E[] values = constants.getEnumConstants();
    return new ValueType<>(
        Arrays.stream(values).map(label).collect(Collectors.joining(" or ")),
        text -> Arrays.stream(values).filter(e -> label.apply(e).equals(text)).findFirst());
  }

  public Optional<T> parse(String text) {
    return parser.apply(text);
  }

  private static Optional<Long> parseLong(String text) {
    return text.matches("-?\\d{1,18}") ? Optional.of(Long.parseLong(text)) : Optional.empty();
  }

  private static Optional<Long> parseBytes(String text) {
    Matcher m = BYTE_SIZE.matcher(text);
    if (!m.matches()) {
      return Optional.empty();
    }
    int shift =
        switch (m.group(2)) {
          case "KiB" -> 10;
          case "MiB" -> 20;
          case "GiB" -> 30;
          default -> 0;
        };
    return Optional.of(Long.parseLong(m.group(1)) << shift);
  }

  private static Optional<Duration> parseDuration(String text) {
    Matcher m = DURATION.matcher(text);
    if (!m.matches()) {
      return Optional.empty();
    }
    long n = Long.parseLong(m.group(1));
    return Optional.of(
        switch (m.group(2)) {
          case "ms" -> Duration.ofMillis(n);
          case "s" -> Duration.ofSeconds(n);
          case "m" -> Duration.ofMinutes(n);
          default -> Duration.ofHours(n);
        });
  }

  private static String bytesText(long bytes) {
    if (bytes >= 1 << 30 && bytes % (1 << 30) == 0) {
      return (bytes >> 30) + "GiB";
    }
    if (bytes >= 1 << 20 && bytes % (1 << 20) == 0) {
      return (bytes >> 20) + "MiB";
    }
    return bytes % (1 << 10) == 0 ? (bytes >> 10) + "KiB" : bytes + "B";
  }

  private static String durationText(Duration d) {
    return d.toString().substring(2).toLowerCase(Locale.ROOT);
  }
}
