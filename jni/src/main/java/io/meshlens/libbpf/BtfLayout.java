// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The layout of a group of types as comparable text: one line for each struct, member and
 * enumeration value, so that two layouts are equal exactly when their maps are.
 */
public final class BtfLayout {
  private BtfLayout() {}

  /**
   * Describes the structs and enumerations that the members of one struct name.
   *
   * @return {@code struct x} to its size, {@code struct x.y} to offset, size and type of the
   *     member, {@code enum e.V} to the value
   * @throws IllegalArgumentException when a named type is missing from the object
   */
  public static SortedMap<String, String> of(Btf btf, String group) {
    SortedMap<String, String> layout = new TreeMap<>();
    for (Btf.Member member : require(btf, group).members()) {
      if (member.encoding() == Btf.Encoding.STRUCT) {
        describe(require(btf, member.typeName()), layout);
      } else {
        describe(requireEnumeration(btf, member.typeName()), layout);
      }
    }
    return layout;
  }

  private static void describe(Btf.Struct struct, SortedMap<String, String> layout) {
    String name = "struct " + struct.name();
    layout.put(name, struct.sizeBytes() + " bytes");
    for (Btf.Member member : struct.members()) {
      layout.put(
          name + "." + member.name(),
          "offset %d, %d bytes, %s %s"
              .formatted(
                  member.offsetBytes(),
                  member.sizeBytes(),
                  member.typeName(),
                  member.encoding().name().toLowerCase(java.util.Locale.ROOT)));
    }
  }

  private static void describe(Btf.Enumeration enumeration, SortedMap<String, String> layout) {
    enumeration
        .values()
        .forEach(
            (value, number) ->
                layout.put("enum " + enumeration.name() + "." + value, number.toString()));
  }

  private static Btf.Struct require(Btf btf, String name) {
    return btf.struct(name)
        .orElseThrow(() -> new IllegalArgumentException("no struct " + name + " in the BTF"));
  }

  private static Btf.Enumeration requireEnumeration(Btf btf, String name) {
    return btf.enumeration(name)
        .orElseThrow(() -> new IllegalArgumentException("no enum " + name + " in the BTF"));
  }
}
