// SPDX-License-Identifier: Apache-2.0
package io.meshlens.wire;

import java.util.Map;

/**
 * Offsets of the byte contract by name, for writing records as the kernel does. In the package
 * {@code wire} because offsets live nowhere else; taken from the table that the readers were
 * generated with, so they cannot drift apart.
 */
public final class WireOffsets {
  private static final Map<String, String> LAYOUT = WireLayout.expected();

  private WireOffsets() {}

  /** Offset in bytes of {@code struct.field}. */
  public static int of(String struct, String field) {
    String name = "struct " + struct + "." + field;
    String layout = LAYOUT.get(name);
    if (layout == null) {
      throw new IllegalArgumentException("the byte contract has no " + name);
    }
    return Integer.parseInt(layout.substring("offset ".length(), layout.indexOf(',')));
  }
}
