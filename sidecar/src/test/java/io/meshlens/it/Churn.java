// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import com.google.common.net.InetAddresses;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.TreeSet;

/** Connections that are told apart by how many bytes they carry: the ground truth of deliveries. */
final class Churn implements AutoCloseable {
  private static final int FIRST_BYTES = 1000;

  private final ServerSocket server;
  private int made;

  Churn() throws IOException {
    server = new ServerSocket(0, 128, InetAddresses.forString("127.0.0.1"));
  }

  int port() {
    return server.getLocalPort();
  }

  /** So many connections, over when this returns. */
  synchronized void make(int connections) throws IOException {
    byte[] bytes = new byte[FIRST_BYTES + made + connections];
    for (int i = 0; i < connections; i++) {
      int count = FIRST_BYTES + made;
      try (Socket client = new Socket(server.getInetAddress(), server.getLocalPort());
          Socket accepted = server.accept()) {
        client.getOutputStream().write(bytes, 0, count);
        accepted.getInputStream().readNBytes(count);
      }
      made++;
    }
  }

  synchronized int made() {
    return made;
  }

  /** Both sides of all connections, as the reports of them are named. */
  synchronized Set<String> truth() {
    Set<String> truth = new TreeSet<>();
    for (int bytes = FIRST_BYTES; bytes < FIRST_BYTES + made; bytes++) {
      truth.add("source " + bytes);
      truth.add("destination " + bytes);
    }
    return truth;
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
