// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import com.google.common.base.Splitter;
import io.meshlens.flow.Direction;
import io.meshlens.flow.IpNetwork;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;

/**
 * One rule of {@code filter.exclude} or {@code filter.include}: fits a connection when all that it
 * names is so.
 *
 * @param cgroup of the socket, or one above it
 * @param pid of the process that connected or that listens
 * @param netns inode number of the network namespace
 * @param network that has one of the two addresses
 * @param ports of the server
 * @param direction from the socket's point of view
 */
public record FilterRule(
    Optional<Path> cgroup,
    OptionalLong pid,
    OptionalLong netns,
    Optional<IpNetwork> network,
    PortRange ports,
    Optional<Direction> direction) {
  /** What a valid rule looks like. */
  public static final String EXPECTATION =
      "rules such as port=22 or cidr=10.0.0.0/8,direction=outbound, separated by semicolons or a"
          + " list in the file; a rule has one or more of cgroup=/PATH, pid=N, netns=INODE,"
          + " cidr=ADDRESS/BITS, port=N or N-M, direction=inbound or outbound";

  private static final long MOST_32_BITS = 0xffff_ffffL;

  /** First and last port. */
  public record PortRange(int first, int last) {
    static final PortRange ANY = new PortRange(0, 0xffff);
  }

  /** The conditions of a rule while it is read. */
  private static final class Reading {
    private final Map<String, String> values = new HashMap<>();
    private final List<String> problems = new ArrayList<>();

    Reading(String text) {
      for (String part : Splitter.on(',').trimResults().split(text)) {
        int equals = part.indexOf('=');
        String name = equals < 0 ? part : part.substring(0, equals);
        if (!NAMES.contains(name)) {
          problems.add(
              "\"%s\": %s is none of %s".formatted(text, quoted(name), String.join(", ", NAMES)));
        } else if (values.put(name, equals < 0 ? "" : part.substring(equals + 1)) != null) {
          problems.add("\"%s\": %s is given twice".formatted(text, name));
        }
      }
    }

    private static String quoted(String name) {
      return name.isEmpty() ? "nothing" : "\"" + name + "\"";
    }

    /** The value of a condition; empty when it is not there or not valid. */
    private <T> Optional<T> get(
        String name, String expectation, Function<String, Optional<T>> parser) {
      String text = values.get(name);
      Optional<T> value = text == null ? Optional.empty() : parser.apply(text);
      if (text != null && value.isEmpty()) {
        problems.add("\"%s=%s\": expected %s".formatted(name, text, expectation));
      }
      return value;
    }

    private OptionalLong number(String name) {
      Optional<Long> number =
          get(
              name,
              "a whole number from 1 to " + MOST_32_BITS,
              text -> FilterRule.number(text, 1, MOST_32_BITS));
      return number.isPresent() ? OptionalLong.of(number.get()) : OptionalLong.empty();
    }

    private FilterRule rule() {
      return new FilterRule(
          get("cgroup", "an absolute path", FilterRule::path),
          number("pid"),
          number("netns"),
          network(),
          get("port", "a port from 1 to 65535 or a range N-M", FilterRule::ports)
              .orElse(PortRange.ANY),
          get("direction", "inbound or outbound", FilterRule::direction));
    }

    private Optional<IpNetwork> network() {
      String text = values.get("cidr");
      if (text == null) {
        return Optional.empty();
      }
      try {
        return Optional.of(IpNetwork.of(text));
      } catch (IllegalArgumentException e) {
        problems.add("\"cidr=%s\": %s".formatted(text, e.getMessage()));
        return Optional.empty();
      }
    }
  }

  private static final List<String> NAMES =
      List.of("cgroup", "pid", "netns", "cidr", "port", "direction");

  /** What is wrong with a rule's text, in words; nothing when it is valid. */
  public static List<String> problems(String text) {
    Reading reading = new Reading(text);
    reading.rule();
    return List.copyOf(reading.problems);
  }

  /** The rule that a valid text says. */
  public static FilterRule of(String text) {
    Reading reading = new Reading(text);
    FilterRule rule = reading.rule();
    if (!reading.problems.isEmpty()) {
      throw new IllegalArgumentException(String.join("; ", reading.problems));
    }
    return rule;
  }

  private static Optional<Long> number(String text, long least, long most) {
    return text.matches("\\d{1,10}")
        ? Optional.of(Long.parseLong(text)).filter(n -> n >= least && n <= most)
        : Optional.empty();
  }

  private static Optional<Path> path(String text) {
    return text.startsWith("/") && text.indexOf('\0') < 0
        ? Optional.of(Path.of(text).normalize())
        : Optional.empty();
  }

  private static Optional<PortRange> ports(String text) {
    List<Optional<Long>> bounds =
        Splitter.on('-').splitToStream(text).map(bound -> number(bound, 1, 0xffff)).toList();
    if (bounds.size() > 2 || bounds.stream().anyMatch(Optional::isEmpty)) {
      return Optional.empty();
    }
    int first = Math.toIntExact(bounds.getFirst().orElseThrow());
    int last = Math.toIntExact(bounds.getLast().orElseThrow());
    return first <= last ? Optional.of(new PortRange(first, last)) : Optional.empty();
  }

  private static Optional<Direction> direction(String text) {
    return Arrays.stream(Direction.values()).filter(d -> d.label().equals(text)).findFirst();
  }

  /** Whether an address or a port matters. */
  boolean hasAddress() {
    return network.isPresent() || !ports.equals(PortRange.ANY);
  }

  /** The rule as it may be written. */
  @Override
  public String toString() {
    List<String> parts = new ArrayList<>();
    cgroup.ifPresent(path -> parts.add("cgroup=" + path));
    pid.ifPresent(number -> parts.add("pid=" + number));
    netns.ifPresent(number -> parts.add("netns=" + number));
    network.ifPresent(n -> parts.add("cidr=" + n));
    if (!ports.equals(PortRange.ANY)) {
      parts.add(
          "port=" + ports.first() + (ports.last() == ports.first() ? "" : "-" + ports.last()));
    }
    direction.ifPresent(d -> parts.add("direction=" + d.label()));
    return String.join(",", parts);
  }
}
