// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** A cgroup v2 of its own for a test, gone afterwards. */
final class Cgroup implements AutoCloseable {
  private final Path directory;

  Cgroup() throws IOException {
    this(root());
  }

  private Cgroup(Path parent) throws IOException {
    directory = Files.createTempDirectory(parent, "libbpf-test");
  }

  Cgroup below() throws IOException {
    return new Cgroup(directory);
  }

  Path directory() {
    return directory;
  }

  /** Opens a TCP connection from a process inside. */
  void connectOnce() throws IOException {
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      run("exec 3<>" + addressOf(server));
    }
  }

  /** Runs a bash script inside and expects it to succeed. */
  void run(String script) throws IOException {
    Command.run("bash", "-c", inside(script));
  }

  /** Starts a bash script inside. */
  ChildProcess start(String script) throws IOException {
    return new ChildProcess("bash", "-c", inside(script));
  }

  /** The name by which bash connects to a server. */
  static String addressOf(ServerSocket server) {
    return "/dev/tcp/%s/%d"
        .formatted(server.getInetAddress().getHostAddress(), server.getLocalPort());
  }

  private String inside(String script) {
    return "set -e; echo $$ > %s/cgroup.procs; %s".formatted(directory, script);
  }

  @Override
  public void close() throws IOException {
    Files.delete(directory);
  }

  private static Path root() throws IOException {
    try (Stream<String> mounts = Files.lines(Path.of("/proc/self/mounts"))) {
      return mounts
          .map(line -> line.split(" ", -1))
          .filter(fields -> fields[2].equals("cgroup2"))
          .map(fields -> Path.of(fields[1]))
          .findFirst()
          .orElseThrow(() -> new IOException("no cgroup v2 is mounted"));
    }
  }
}
