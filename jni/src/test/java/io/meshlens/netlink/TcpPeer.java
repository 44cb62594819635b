// SPDX-License-Identifier: Apache-2.0
package io.meshlens.netlink;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A process in a network namespace, with sockets that it says the addresses of. It ends, and closes
 * them, when its input ends.
 */
final class TcpPeer implements AutoCloseable {
  private static final int MAX_SECONDS = 60;

  private static final String SERVER =
      """
      import select, socket, sys
      listener = socket.create_server(("::", int(sys.argv[1])), family=socket.AF_INET6,
                                      dualstack_ipv6=True)
      print("listening", flush=True)
      waiting = [listener, sys.stdin]
      while True:
          for ready in select.select(waiting, [], [])[0]:
              if ready is sys.stdin:
                  sys.exit()
              elif ready is listener:
                  c = listener.accept()[0]
                  waiting.append(c)
                  print(*c.getsockname()[:2], *c.getpeername()[:2], flush=True)
              else:
                  waiting.remove(ready)
                  ready.close()
      """;

  private static final String CLIENT =
      """
      import socket, sys
      c = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5, (sys.argv[3], 0))
      print(*c.getsockname()[:2], *c.getpeername()[:2], flush=True)
      sys.stdin.read()
      """;

  private final Process process;
  private final BufferedReader output;

  private TcpPeer(String namespace, String script, String... arguments) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder("ip", "netns", "exec", namespace, "python3", "-c", script);
    builder.command().addAll(List.of(arguments));
    process = builder.redirectErrorStream(true).start();
    output =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  static TcpPeer server(String namespace, int port) throws IOException {
    TcpPeer server = new TcpPeer(namespace, SERVER, Integer.toString(port));
    if (!"listening".equals(server.output.readLine())) {
      server.close();
      throw new IOException("the server does not listen");
    }
    return server;
  }

  static TcpPeer client(String namespace, String source, String destination, int port)
      throws IOException {
    return new TcpPeer(namespace, CLIENT, destination, Integer.toString(port), source);
  }

  /** The next connection as its socket here sees it: from its own address to the other's. */
  ConntrackTuple connection() throws IOException {
    String line = String.valueOf(output.readLine());
    String[] fields = line.split(" ", -1);
    if (fields.length != 4) {
      throw new IOException("the peer said: " + line + "\n" + output.readLine());
    }
    return Tuples.of(
        fields[0], Integer.parseInt(fields[1]), fields[2], Integer.parseInt(fields[3]));
  }

  /** Its network namespace, as long as it runs. */
  Path namespaceFile() {
    return Path.of("/proc", Long.toString(process.pid()), "ns/net");
  }

  @Override
  public void close() throws IOException {
    process.getOutputStream().close();
    try {
      if (!process.waitFor(MAX_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new IOException("a peer does not end");
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("peer");
    }
  }
}
