// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import com.google.common.net.InetAddresses;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.TreeSet;

/**
 * Connections that are told apart by how many bytes went either way: the ground truth of
 * deliveries.
 */
final class Churn implements AutoCloseable {
  private static final int FIRST_BYTES = 1000;
  private static final int REQUEST_SIZES = 1000;

  private final ServerSocket server;
  private final byte[] bytes = new byte[FIRST_BYTES + REQUEST_SIZES];
  private int made;

  Churn() throws IOException {
    server = new ServerSocket(0, 128, InetAddresses.forString("127.0.0.1"));
  }

  int port() {
    return server.getLocalPort();
  }

  /** So many connections, over when this returns. */
  synchronized void make(int connections) throws IOException {
    for (int i = 0; i < connections; i++) {
      int request = FIRST_BYTES + made % REQUEST_SIZES;
      int answer = made / REQUEST_SIZES;
      try (Socket client = new Socket(server.getInetAddress(), server.getLocalPort());
          Socket accepted = server.accept()) {
        client.getOutputStream().write(bytes, 0, request);
        accepted.getInputStream().readNBytes(request);
        accepted.getOutputStream().write(bytes, 0, answer);
        client.getInputStream().readNBytes(answer);
      }
      made++;
    }
  }

  synchronized int made() {
    return made;
  }

  /** What a side says of a connection. */
  static String report(String reporter, String bytesFromClient, String bytesToClient) {
    return reporter + " " + bytesFromClient + " " + bytesToClient;
  }

  /** Both sides of all connections, as the reports of them are named. */
  synchronized Set<String> truth() {
    Set<String> truth = new TreeSet<>();
    for (int i = 0; i < made; i++) {
      String request = Integer.toString(FIRST_BYTES + i % REQUEST_SIZES);
      String answer = Integer.toString(i / REQUEST_SIZES);
      truth.add(report("source", request, answer));
      truth.add(report("destination", request, answer));
    }
    return truth;
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
