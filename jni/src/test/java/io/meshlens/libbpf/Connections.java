// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.HashMap;
import java.util.Map;

/** Three TCP connections that a process in a cgroup holds open. */
final class Connections implements AutoCloseable {
  private final ChildProcess shell;
  private final Map<Integer, Long> ports = new HashMap<>();

  Connections(Cgroup cgroup) throws IOException {
    try (ServerSocket server = new ServerSocket(0, 3, InetAddress.getLoopbackAddress())) {
      String to = Cgroup.addressOf(server);
      shell = cgroup.start("exec 3<>%s 4<>%s 5<>%s; echo; read".formatted(to, to, to));
      shell.readLine();
      for (int i = 0; i < 3; i++) {
        try (Socket accepted = server.accept()) {
          ports.put(accepted.getPort(), (long) accepted.getPort());
        }
      }
    }
  }

  /** The clients' ports, each as key and value. */
  Map<Integer, Long> portsToThemselves() {
    return ports;
  }

  @Override
  public void close() throws InterruptedException {
    shell.close();
  }
}
