// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import com.google.common.net.HostAndPort;
import com.google.common.net.InetAddresses;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/** Where an access log service listens. */
public sealed interface AlsAddress {
  /** What a text must look like. */
  String EXPECTATION =
      "addresses in order of preference, separated by semicolons or a list in the file: HOST:PORT"
          + " (collector:9001, [::1]:9001) or unix:/PATH (unix:/run/als.sock)";

  /** A name or an address literal, with a port. */
  record Tcp(HostAndPort hostAndPort) implements AlsAddress {
    @Override
    public String target() {
      return "dns:///" + hostAndPort;
    }

    @Override
    public String toString() {
      return hostAndPort.toString();
    }
  }

  /** A socket in the file system. */
  record Unix(String path) implements AlsAddress {
    @Override
    public String target() {
      return "unix:" + path;
    }

    @Override
    public String toString() {
      return target();
    }
  }

  /** As gRPC names it. */
  String target();

  /** A text without problems. */
  static AlsAddress of(String text) {
    return text.startsWith(UNIX)
        ? new Unix(path(text))
        : new Tcp(HostAndPort.fromString(text).requireBracketsForIPv6());
  }

  /** What is wrong with a text; nothing when it is an address. */
  static List<String> problems(String text) {
    Optional<String> problem = text.startsWith(UNIX) ? ofPath(path(text)) : ofHostAndPort(text);
    return problem.stream().map(p -> "\"" + text + "\" " + p).toList();
  }

  /** Scheme of {@link Unix}. */
  String UNIX = "unix:";

  /** {@code sun_path} with its final zero. */
  int MAX_PATH_BYTES = 107;

  private static String path(String text) {
    String path = text.substring(UNIX.length());
    return path.startsWith("///") ? path.substring(2) : path;
  }

  private static Optional<String> ofPath(String path) {
    if (!path.startsWith("/") || path.startsWith("//") || path.length() < 2) {
      return Optional.of("has no absolute path; expected one such as unix:/run/als.sock");
    }
    int bytes = path.getBytes(StandardCharsets.UTF_8).length;
    return bytes > MAX_PATH_BYTES
        ? Optional.of(
            "has a path of %d bytes; a unix socket's has at most %d"
                .formatted(bytes, MAX_PATH_BYTES))
        : Optional.empty();
  }

  private static Optional<String> ofHostAndPort(String text) {
    if (text.contains("://")) {
      return Optional.of(
          "is a URL; expected HOST:PORT such as collector:9001, and TLS by access_log.als.tls");
    }
    HostAndPort address;
    try {
      address = HostAndPort.fromString(text);
    } catch (IllegalArgumentException e) {
      return Optional.of("is no address; expected HOST:PORT such as collector:9001");
    }
    boolean brackets = text.startsWith("[");
    if (!brackets && address.getHost().contains(":")) {
      return Optional.of(
          "is an IPv6 address without brackets; expected [HOST]:PORT such as [::1]:9001");
    }
    if (!address.hasPort() || address.getPort() == 0) {
      return Optional.of("has no port; expected HOST:PORT such as collector:9001");
    }
    boolean host =
        InetAddresses.isInetAddress(address.getHost())
            || (!brackets && address.getHost().matches("[A-Za-z0-9._-]+"));
    return host
        ? Optional.empty()
        : Optional.of("has no valid host; expected a name or an address, such as collector:9001");
  }
}
