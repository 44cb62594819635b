// SPDX-License-Identifier: Apache-2.0
package io.meshlens.netlink;

import io.meshlens.libbpf.Command;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Three network namespaces, gone afterwards: a client, a router and a server, with rules.
 *
 * <pre>
 *  client                          router                         server (no rules)
 *  10.1.0.2  10.1.0.3 ──────────── 10.1.0.1   10.2.0.1 ────────── 10.2.0.2
 *  fd01::2                         fd01::1     fd02::1            fd02::2
 *    10.99.0.1 80 to the server      10.98.0.1 80 to the server
 *    fd99::1 80 to the server        10.1.0.3 masqueraded
 * </pre>
 */
final class TranslatedNetwork implements AutoCloseable {
  static final int SERVER_PORT = 8080;

  private static final String CLIENT_RULES =
      """
      table inet translation {
        chain output {
          type nat hook output priority -100
          ip daddr 10.99.0.1 tcp dport 80 dnat ip to 10.2.0.2:8080
          ip6 daddr fd99::1 tcp dport 80 dnat ip6 to [fd02::2]:8080
        }
      }
      """;

  private static final String ROUTER_RULES =
      """
      table inet translation {
        chain arriving {
          type nat hook prerouting priority -100
          ip daddr 10.98.0.1 tcp dport 80 dnat ip to 10.2.0.2:8080
        }
        chain leaving {
          type nat hook postrouting priority 100
          ip saddr 10.1.0.3 masquerade
        }
      }
      """;

  private static final Pattern TUPLE =
      Pattern.compile("src=(\\S+) dst=(\\S+) sport=(\\d+) dport=(\\d+)");

  final String client = "meshlens-" + ProcessHandle.current().pid() + "-client";
  final String router = "meshlens-" + ProcessHandle.current().pid() + "-router";
  final String server = "meshlens-" + ProcessHandle.current().pid() + "-server";
  private final Deque<String> made = new ArrayDeque<>();

  TranslatedNetwork() throws IOException {
    try {
      add(client);
      add(router);
      add(server);
      join(client, "10.1.0.2/24", "fd01::2/64", "10.1.0.1/24", "fd01::1/64");
      join(server, "10.2.0.2/24", "fd02::2/64", "10.2.0.1/24", "fd02::1/64");
      in(client, "ip addr add 10.1.0.3/24 dev veth0");
      in(router, "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
      in(client, "printf '%s' '" + CLIENT_RULES + "' | nft -f -");
      in(router, "printf '%s' '" + ROUTER_RULES + "' | nft -f -");
    } catch (IOException e) {
      close();
      throw e;
    }
  }

  static Path file(String namespace) {
    return Path.of("/run/netns", namespace);
  }

  /** Adds a namespace that goes with this network. */
  void add(String namespace) throws IOException {
    Command.run("ip", "netns", "add", namespace);
    made.push(namespace);
    in(namespace, "ip link set lo up");
  }

  /** Removes its name; it lives on as long as somebody uses it. */
  void remove(String namespace) throws IOException {
    Command.run("ip", "netns", "delete", namespace);
    made.remove(namespace);
  }

  private void join(String host, String ipv4, String ipv6, String routerIpv4, String routerIpv6)
      throws IOException {
    in(host, "ip link add veth0 type veth peer name " + shortName(host) + " netns " + router);
    in(host, "ip addr add " + ipv4 + " dev veth0; ip addr add " + ipv6 + " dev veth0 nodad");
    in(router, "ip addr add " + routerIpv4 + " dev " + shortName(host));
    in(router, "ip addr add " + routerIpv6 + " dev " + shortName(host) + " nodad");
    in(router, "ip link set " + shortName(host) + " up");
    in(host, "ip link set veth0 up; ip route add default via " + address(routerIpv4));
    in(host, "ip -6 route add default via " + address(routerIpv6));
  }

  private static String shortName(String namespace) {
    return "to-" + namespace.substring(namespace.lastIndexOf('-') + 1);
  }

  private static String address(String withPrefix) {
    return withPrefix.substring(0, withPrefix.indexOf('/'));
  }

  /** Runs a shell's script in a namespace. */
  String in(String namespace, String script) throws IOException {
    return Command.run("ip", "netns", "exec", namespace, "sh", "-ec", script);
  }

  /** The entries of a namespace's TCP connections, as conntrack(8) lists them. */
  Set<String> listed(String namespace) throws IOException {
    String both = in(namespace, "conntrack -L -p tcp -f ipv4; conntrack -L -p tcp -f ipv6");
    return both.lines()
        .filter(line -> line.startsWith("tcp "))
        .map(TranslatedNetwork::tuples)
        .collect(Collectors.toSet());
  }

  private static String tuples(String line) {
    Matcher matcher = TUPLE.matcher(line);
    return next(matcher) + ", " + next(matcher);
  }

  private static String next(Matcher matcher) {
    if (!matcher.find()) {
      throw new AssertionError("conntrack lists no tuple: " + matcher);
    }
    int sourcePort = Integer.parseInt(matcher.group(3));
    int destinationPort = Integer.parseInt(matcher.group(4));
    return Tuples.text(matcher.group(1), sourcePort, matcher.group(2), destinationPort);
  }

  @Override
  public void close() {
    while (!made.isEmpty()) {
      try {
        Command.run("ip", "netns", "delete", made.pop());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
