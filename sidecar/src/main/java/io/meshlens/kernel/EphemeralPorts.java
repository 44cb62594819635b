// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The ports that the kernel gives to sockets whose process did not choose one. */
record EphemeralPorts(int first, int last) {
  /** The kernel's own default. */
  static final EphemeralPorts DEFAULT = new EphemeralPorts(32_768, 60_999);

  private static final Path RANGE = Path.of("/proc/sys/net/ipv4/ip_local_port_range");

  /** Of this process's network namespace; the kernel's default when it cannot be read. */
  static EphemeralPorts ofThisNamespace() {
    try {
      return parse(Files.readString(RANGE));
    } catch (IOException e) {
      return DEFAULT;
    }
  }

  /** Two numbers with white space between, as in the file. */
  static EphemeralPorts parse(String text) {
    String[] ports = text.strip().split("\\s+", -1);
    try {
      return ports.length == 2
          ? new EphemeralPorts(Integer.parseInt(ports[0]), Integer.parseInt(ports[1]))
          : DEFAULT;
    } catch (NumberFormatException e) {
      return DEFAULT;
    }
  }
}
