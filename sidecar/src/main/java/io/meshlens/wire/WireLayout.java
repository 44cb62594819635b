// SPDX-License-Identifier: Apache-2.0
package io.meshlens.wire;

import io.meshlens.libbpf.Btf;
import io.meshlens.libbpf.BtfLayout;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/** Compares the layout that the readers were generated for with that of an object. */
public final class WireLayout {
  private static final String GROUP = "wire_types";
  private static final String ABSENT = "(absent)";

  private WireLayout() {}

  public static int abiVersion() {
    return WireCodes.WIRE_ABI_VERSION;
  }

  /**
   * Checks every struct, member, size, offset, width, signedness and enumeration value, both ways.
   *
   * @throws LayoutMismatchException with a table of all differences
   */
  public static void verify(Btf object) {
    verify(expected(), actual(object));
  }

  static void verify(SortedMap<String, String> expected, SortedMap<String, String> actual) {
    if (expected.equals(actual)) {
      return;
    }
    TreeSet<String> all = new TreeSet<>(expected.keySet());
    all.addAll(actual.keySet());
    StringBuilder table = new StringBuilder();
    table.append("the kernel object and the sidecar disagree about their byte contract;\n");
    table.append("build both from the same source (make build), or reinstall.\n");
    String row = "  %-52s %-32s %s\n";
    table.append(row.formatted("what", "sidecar expects", "object has"));
    for (String what : all) {
      String mine = expected.getOrDefault(what, ABSENT);
      String theirs = actual.getOrDefault(what, ABSENT);
      if (!mine.equals(theirs)) {
        table.append(row.formatted(what, mine, theirs));
      }
    }
    throw new LayoutMismatchException(table.toString());
  }

  static SortedMap<String, String> expected() {
    SortedMap<String, String> layout = new TreeMap<>();
    WireTable.LAYOUT
        .lines()
        .forEach(
            line -> {
              int split = line.indexOf(" = ");
              layout.put(line.substring(0, split), line.substring(split + " = ".length()));
            });
    return layout;
  }

  private static SortedMap<String, String> actual(Btf object) {
    try {
      return BtfLayout.of(object, GROUP);
    } catch (IllegalArgumentException e) {
      throw new LayoutMismatchException(
          "the kernel object does not carry the byte contract (" + e.getMessage() + ")");
    }
  }
}
