// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A network namespace that a test made. It has no name: a process that waits for the end of its
 * input holds it, so it goes with its links when the test ends, however that ends.
 */
final class NetworkNamespace implements AutoCloseable {
  private static final Pattern COUNTER = Pattern.compile("counter packets (\\d+)");

  private final Process holder;
  private boolean filters;

  NetworkNamespace() throws IOException, InterruptedException {
    holder = new ProcessBuilder("unshare", "--net", "sh", "-c", "echo; exec cat").start();
    // The line comes from inside.
    if (holder.getInputStream().read() != '\n') {
      throw new AssertionError("no network namespace: " + text(holder));
    }
    ip("link set lo up");
  }

  /** The command that runs another one here. */
  List<String> entrance() {
    return List.of("nsenter", "--net=/proc/" + holder.pid() + "/ns/net");
  }

  /** Joins two namespaces by a pair of virtual interfaces, both of the given name. */
  static void join(String name, NetworkNamespace a, NetworkNamespace b)
      throws IOException, InterruptedException {
    a.ip("link add %s type veth peer name %s netns %d".formatted(name, name, b.holder.pid()));
    a.ip("link set %s up".formatted(name));
    b.ip("link set %s up".formatted(name));
  }

  /** Runs ip(8). */
  void ip(String arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(arguments.split(" ")));
    run(command.toArray(String[]::new));
  }

  /** Sets a value below /proc/sys/net. */
  void sysctl(String key, String value) throws IOException, InterruptedException {
    run("sh", "-c", "echo %s > /proc/sys/net/%s".formatted(value, key));
  }

  /** From now on, nft rules for packets at a hook, such as {@code "input", "tcp dport 7 drop"}. */
  void filter(String hook, String... rules) throws IOException, InterruptedException {
    filters = true;
    run(
        "nft",
        """
        table inet meshlens {
          chain %1$s {
            type filter hook %1$s priority 0
            %2$s
          }
        }
        """
            .formatted(hook, String.join("\n", rules)));
  }

  /** From now on, no ARP answer is heard and no address known. */
  void muteArp(String link) throws IOException, InterruptedException {
    filters = true;
    run("nft", "table arp meshlens { chain input { type filter hook input priority 0; drop; }; }");
    ip("neigh flush dev " + link);
  }

  /** Packets that the one rule with a counter has seen. */
  long filtered() throws IOException, InterruptedException {
    Matcher matcher = COUNTER.matcher(run("nft", "list table inet meshlens"));
    if (!matcher.find()) {
      throw new AssertionError("no counter");
    }
    return Long.parseLong(matcher.group(1));
  }

  void unfilter() throws IOException, InterruptedException {
    if (filters) {
      run("nft", "flush ruleset");
      filters = false;
    }
  }

  /** Runs a command that must succeed; its output. */
  String run(String... command) throws IOException, InterruptedException {
    List<String> whole = new ArrayList<>(entrance());
    whole.addAll(List.of(command));
    Process process = new ProcessBuilder(whole).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = text(process);
    if (process.waitFor() != 0) {
      throw new AssertionError(String.join(" ", command) + ": " + output);
    }
    return output;
  }

  private static String text(Process process) throws IOException {
    return new String(process.getInputStream().readAllBytes(), UTF_8);
  }

  @Override
  public void close() {
    holder.destroy();
  }
}
