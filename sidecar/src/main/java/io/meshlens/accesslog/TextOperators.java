// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.stream.Collectors.joining;

import io.meshlens.accesslog.EscapedText.Place;
import io.meshlens.flow.Address;
import io.meshlens.flow.AddressText;
import io.meshlens.flow.Connection;
import io.meshlens.flow.Termination;
import io.meshlens.flow.Transport;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import java.util.function.ToLongFunction;

/**
 * Envoy's command operators, with the orientation of the access log service: downstream is the
 * client, upstream the server, received bytes go from client to server.
 */
final class TextOperators {
  /** How the part of one operator is made from what it says. */
  interface Maker {
    TextPart make(Use use);
  }

  /**
   * An operator in a format string.
   *
   * @param argument between parentheses; empty for none
   * @param maxChars after the colon
   * @param problems takes what is wrong with the argument
   */
  record Use(String argument, int maxChars, Place place, List<String> problems) {}

  private static final int NUMBER_BYTES = 20;
  private static final int ADDRESS_BYTES = AddressText.MAX_LENGTH + "[]:65535".length();
  private static final long NANOS_PER_MILLI = 1_000_000L;

  /** What a connection that is not looked into cannot know: Envoy writes it so for TCP too. */
  private static final List<String> OF_HTTP =
      List.of(
          "REQ",
          "REQ_WITHOUT_QUERY",
          "RESP",
          "TRAILER",
          "RESPONSE_CODE_DETAILS",
          "PROTOCOL",
          "ROUTE_NAME",
          "VIRTUAL_CLUSTER_NAME",
          "GRPC_STATUS",
          "REQUEST_DURATION",
          "RESPONSE_DURATION",
          "RESPONSE_TX_DURATION",
          "REQUESTED_SERVER_NAME",
          "DOWNSTREAM_TLS_VERSION",
          "DOWNSTREAM_TLS_CIPHER",
          "DOWNSTREAM_PEER_URI_SAN");

  private final Map<String, Maker> makers = new LinkedHashMap<>();
  private final RecordFields fields;

  /**
   * @param hostName what {@code %HOSTNAME%} is
   */
  TextOperators(ConnectionIds ids, String hostName) {
    fields = new RecordFields(ids);
    times();
    address("DOWNSTREAM_REMOTE", Connection::origin, Connection::originPort);
    address("DOWNSTREAM_DIRECT_REMOTE", Connection::client, Connection::clientPort);
    address("DOWNSTREAM_LOCAL", Connection::dialled, Connection::dialledPort);
    address("UPSTREAM_REMOTE", Connection::reached, Connection::reachedPort);
    address("UPSTREAM_LOCAL", Connection::client, Connection::clientPort);
    makers.put("UPSTREAM_HOST", use -> address(Connection::reached, Connection::reachedPort));
    text("UPSTREAM_CLUSTER", TextOperators::cluster);
    text("HOSTNAME", c -> hostName);
    bytes();
    ends();
    makers.put("STREAM_ID", use -> TextPart.of(9 + ConnectionIds.MAX_SUFFIX_BYTES, ids::write));
    makers.put("FIELD", use -> field(use, use.argument()));
    makers.put("DYNAMIC_METADATA", this::metadata);
    makers.put("RESPONSE_CODE", use -> ascii("0"));
    OF_HTTP.forEach(name -> makers.put(name, use -> ascii("-")));
  }

  Map<String, Maker> makers() {
    return makers;
  }

  private static TextPart ascii(String text) {
    byte[] bytes = text.getBytes(US_ASCII);
    return TextPart.of(bytes.length, (c, out, at) -> put(bytes, out, at));
  }

  private static int put(byte[] bytes, byte[] out, int at) {
    System.arraycopy(bytes, 0, out, at, bytes.length);
    return at + bytes.length;
  }

  private void times() {
    makers.put(
        "START_TIME",
        use -> {
          TimePattern time = pattern(use);
          return TextPart.of(
              time.maxBytes(),
              (c, out, at) -> c.adopted ? at : time.write(c.startEpochNs(), out, at));
        });
    makers.put(
        "EMIT_TIME",
        use -> {
          TimePattern time = pattern(use);
          return TextPart.of(time.maxBytes(), (c, out, at) -> time.write(c.endEpochNs, out, at));
        });
    makers.put(
        "DURATION",
        use ->
            TextPart.of(
                NUMBER_BYTES,
                (c, out, at) ->
                    c.adopted ? at : Digits.write(c.durationNs() / NANOS_PER_MILLI, out, at)));
  }

  private static TimePattern pattern(Use use) {
    return TimePattern.of(
        use.argument().isEmpty() ? TimePattern.DEFAULT : use.argument(), use.problems());
  }

  private void address(
      String name, Function<Connection, Address> address, ToIntFunction<Connection> port) {
    makers.put(name + "_ADDRESS", use -> address(address, port));
    makers.put(
        name + "_ADDRESS_WITHOUT_PORT",
        use ->
            TextPart.of(
                AddressText.MAX_LENGTH,
                (c, out, at) -> {
                  Address a = address.apply(c);
                  return RecordFields.isNowhere(a, port.applyAsInt(c))
                      ? at
                      : AddressText.write(a.high(), a.low(), out, at);
                }));
    makers.put(
        name + "_PORT",
        use ->
            TextPart.of(
                NUMBER_BYTES,
                (c, out, at) ->
                    RecordFields.isNowhere(address.apply(c), port.applyAsInt(c))
                        ? at
                        : Digits.write(port.applyAsInt(c), out, at)));
  }

  /** ADDRESS:PORT, IPv6 in brackets. */
  static TextPart address(Function<Connection, Address> address, ToIntFunction<Connection> portOf) {
    return TextPart.of(
        ADDRESS_BYTES,
        (c, out, start) -> {
          int at = start;
          Address a = address.apply(c);
          int port = portOf.applyAsInt(c);
          if (RecordFields.isNowhere(a, port)) {
            return at;
          }
          boolean ipv4 = Address.isIpv4(a.high(), a.low());
          if (!ipv4) {
            out[at++] = '[';
          }
          at = AddressText.write(a.high(), a.low(), out, at);
          if (!ipv4) {
            out[at++] = ']';
          }
          out[at++] = ':';
          return Digits.write(port, out, at);
        });
  }

  /** As Istio names clusters. */
  private static String cluster(Connection c) {
    if (!c.clientIsLocal()) {
      return "inbound|" + c.localPort + "||";
    }
    String host = c.destination.serviceHost();
    return host.isEmpty() ? "" : "outbound|" + c.dialledPort() + "||" + host;
  }

  private void bytes() {
    number("BYTES_RECEIVED", TextOperators::toServer);
    number("BYTES_SENT", TextOperators::toClient);
    // What Envoy's TCP proxy counts here is the stream: no header, nothing twice.
    for (String side : List.of("DOWNSTREAM", "UPSTREAM")) {
      boolean down = side.equals("DOWNSTREAM");
      number(side + "_WIRE_BYTES_RECEIVED", c -> down ? toServer(c) : toClient(c));
      number(side + "_WIRE_BYTES_SENT", c -> down ? toClient(c) : toServer(c));
    }
  }

  private static long toServer(Connection c) {
    return c.clientIsLocal() ? c.bytesSent : c.bytesReceived;
  }

  private static long toClient(Connection c) {
    return c.clientIsLocal() ? c.bytesReceived : c.bytesSent;
  }

  private void ends() {
    text("RESPONSE_FLAGS", c -> flags(c, ResponseFlag::code));
    text("RESPONSE_FLAGS_LONG", c -> flags(c, ResponseFlag::longName));
    text(
        "CONNECTION_TERMINATION_DETAILS",
        c -> c.termination == Termination.NONE ? "" : c.termination.label());
    text("UPSTREAM_TRANSPORT_FAILURE_REASON", c -> c.clientIsLocal() ? RecordFields.error(c) : "");
    text(
        "DOWNSTREAM_TRANSPORT_FAILURE_REASON", c -> c.clientIsLocal() ? "" : RecordFields.error(c));
    text("ACCESS_LOG_TYPE", TextOperators::accessLogType);
  }

  private static String flags(Connection c, Function<ResponseFlag, String> name) {
    List<ResponseFlag> flags = ResponseFlag.of(c);
    return switch (flags.size()) {
      case 0 -> "";
      case 1 -> name.apply(flags.getFirst()); // nearly always, and no join's allocation
      default -> flags.stream().map(name).collect(joining(","));
    };
  }

  private static String accessLogType(Connection c) {
    boolean udp = c.transport == Transport.UDP;
    return switch (c.event) {
      case OPENED -> "TcpUpstreamConnected";
      case PERIODIC -> udp ? "UdpPeriodic" : "TcpPeriodic";
      case CLOSED, FAILED -> udp ? "UdpSessionEnd" : "TcpConnectionEnd";
    };
  }

  private void number(String name, ToLongFunction<Connection> value) {
    makers.put(
        name,
        use ->
            TextPart.of(NUMBER_BYTES, (c, out, at) -> Digits.write(value.applyAsLong(c), out, at)));
  }

  private void text(String name, Function<Connection, String> value) {
    makers.put(name, use -> text(use.place(), use.maxChars(), value));
  }

  /** A text, escaped for its place. */
  static TextPart text(Place place, int maxChars, Function<Connection, String> value) {
    int chars = Math.min(maxChars, EscapedText.MAX_CHARS);
    return TextPart.limited(
        chars * EscapedText.MAX_BYTES_PER_CHAR,
        (c, out, at) -> EscapedText.write(value.apply(c), place, chars, out, at));
  }

  /** As the access log service has it: {@code meshlens:rtt_us}. */
  private TextPart metadata(Use use) {
    String key = use.argument().replaceFirst("^meshlens:", "");
    if (key.equals(use.argument())) {
      use.problems()
          .add("DYNAMIC_METADATA needs meshlens:NAME, not \"%s\"".formatted(use.argument()));
      return ascii("-");
    }
    String group =
        fields.find(RecordFields.PROCESS + "." + key).isPresent()
            ? RecordFields.PROCESS
            : RecordFields.CONNECTION;
    return field(use, group + "." + key);
  }

  private TextPart field(Use use, String name) {
    Optional<RecordField> field = fields.find(name);
    if (field.isEmpty()) {
      use.problems()
          .add(
              "no field \"%s\"; nearest: %s"
                  .formatted(name, NearestName.of(name, fields.fullNames())));
      return ascii("-");
    }
    Function<Connection, Optional<?>> value = field.get().value();
    return text(
        use.place(), use.maxChars(), c -> value.apply(c).map(TextOperators::asText).orElse(""));
  }

  private static String asText(Object value) {
    return value instanceof java.time.Duration d ? "" + d.toNanos() : value.toString();
  }
}
