// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A network namespace of its own for a test, gone afterwards. */
final class NetworkNamespace implements AutoCloseable {
  private final String name = "libbpf-test-" + ProcessHandle.current().pid();

  NetworkNamespace() throws IOException {
    Command.run("ip", "netns", "add", name);
  }

  Path path() {
    return Path.of("/run/netns", name);
  }

  /** Starts a process inside that listens on as many ports, and says each in a line. */
  ChildProcess listen(int ports) throws IOException {
    String script =
        """
        import socket, sys
        listeners = [socket.create_server(("", 0)) for _ in range(int(sys.argv[1]))]
        for listener in listeners: print(listener.getsockname()[1], flush=True)
        input()
        """;
    return new ChildProcess(
        "ip", "netns", "exec", name, "python3", "-c", script, Integer.toString(ports));
  }

  /** The number by which the kernel tells it from others. */
  static long number(Path namespace) throws IOException {
    return (long) Files.getAttribute(namespace, "unix:ino");
  }

  @Override
  public void close() throws IOException {
    Command.run("ip", "netns", "delete", name);
  }
}
