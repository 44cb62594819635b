// SPDX-License-Identifier: Apache-2.0
package io.meshlens.netlink;

import java.nio.file.Path;

/** A program of its own, to be started with less permission; says what it was allowed. */
final class LookupProgram {
  private LookupProgram() {}

  /** Opens the namespaces whose files are given, {@code own} being the own one, and asks each. */
  public static void main(String[] namespaces) {
    for (String namespace : namespaces) {
      System.out.println(outcome(namespace));
    }
  }

  private static String outcome(String namespace) {
    try (Conntrack conntrack =
        namespace.equals("own") ? Conntrack.open() : Conntrack.open(Path.of(namespace))) {
      ConntrackTuple nobody = Tuples.of("10.1.0.2", 1, "10.2.0.2", 1);
      return conntrack.find(nobody, new ConntrackEntry()) ? "found" : "none";
    } catch (NetlinkException e) {
      return e.operation() + ": " + e.errnoName();
    }
  }
}
