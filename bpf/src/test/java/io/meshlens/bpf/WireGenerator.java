// SPDX-License-Identifier: Apache-2.0
package io.meshlens.bpf;

import io.meshlens.libbpf.Btf;
import io.meshlens.libbpf.BtfLayout;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Writes Java readers, constants and the layout table from the BTF of the built object. */
final class WireGenerator {
  /** The struct of wire.bpf.c whose members are the types of the contract. */
  private static final String GROUP = "wire_types";

  private static final String HEAD =
      """
      // SPDX-License-Identifier: Apache-2.0
      // Generated from bpf/include/wire.h by `make wire`; do not edit.
      package io.meshlens.wire;

      """;

  private final Btf btf;

  WireGenerator(Btf btf) {
    this.btf = btf;
  }

  /** File name to content, for the package {@code io.meshlens.wire}. */
  SortedMap<String, String> javaFiles() {
    SortedMap<String, String> files = new TreeMap<>();
    StringBuilder codes = new StringBuilder();
    for (Btf.Member member : btf.struct(GROUP).orElseThrow().members()) {
      if (member.encoding() == Btf.Encoding.STRUCT) {
        Btf.Struct struct = btf.struct(member.typeName()).orElseThrow();
        files.put(className(struct) + ".java", reader(struct));
      } else {
        btf.enumeration(member.typeName())
            .orElseThrow()
            .values()
            .forEach(
                (name, value) ->
                    codes.append("  public static final int %s = %d;\n".formatted(name, value)));
      }
    }
    files.put("WireCodes.java", codes(codes.toString()));
    files.put("WireTable.java", table());
    return files;
  }

  /** The same layout as JSON, to be reviewed and compared by other tools. */
  String json() {
    StringBuilder out = new StringBuilder("{\n");
    String separator = "";
    for (Map.Entry<String, String> line : BtfLayout.of(btf, GROUP).entrySet()) {
      out.append(separator)
          .append("  \"")
          .append(line.getKey())
          .append("\": \"")
          .append(line.getValue())
          .append('"');
      separator = ",\n";
    }
    return out.append("\n}\n").toString();
  }

  private static String codes(String constants) {
    return HEAD
        + """
        /** Every enumeration value of wire.h under its C name. */
        public final class WireCodes {
        %s
          private WireCodes() {}
        }
        """
            .formatted(constants);
  }

  private String table() {
    StringBuilder lines = new StringBuilder();
    BtfLayout.of(btf, GROUP)
        .forEach((what, layout) -> lines.append("      %s = %s\n".formatted(what, layout)));
    return HEAD
        + """
        /** The layout that the readers of this package were generated for. */
        final class WireTable {
          /** Lines of {@code what = layout}, in the words of BtfLayout. */
          static final String LAYOUT =
              \"""
        %s      \""";

          private WireTable() {}
        }
        """
            .formatted(lines);
  }

  private static String reader(Btf.Struct struct) {
    StringBuilder accessors = new StringBuilder();
    for (Btf.Member member : struct.members()) {
      if (!member.name().equals("reserved") && member.encoding() != Btf.Encoding.STRUCT) {
        accessors.append('\n').append(accessor(member));
      }
    }
    return HEAD
        + """
        import java.nio.ByteBuffer;

        /**
         * Reads {@code struct %s} in place. A view is valid until the buffer's owner reuses the bytes.
         */
        public final class %s {
          public static final int SIZE_BYTES = %d;

          private ByteBuffer buffer = ByteBuffer.allocate(0);
          private int offset;

          /** Looks at the structure at an offset of a buffer in native byte order. */
          public void wrap(ByteBuffer newBuffer, int newOffset) {
            buffer = newBuffer;
            offset = newOffset;
          }
        %s}
        """
            .formatted(struct.name(), className(struct), struct.sizeBytes(), accessors);
  }

  private static String accessor(Btf.Member member) {
    String name = camel(member.name().replaceAll("_be$", ""), false);
    String at = member.offsetBytes() == 0 ? "offset" : "offset + " + member.offsetBytes();
    String type = member.typeName();
    if (member.encoding() == Btf.Encoding.BYTE_ARRAY) {
      return byteArrayAccessors(member, name, at);
    }
    return switch (type) {
      case "__u64" -> method("long", name, "buffer.getLong(%s)".formatted(at));
      case "__u32" -> method("long", name, "buffer.getInt(%s) & 0xffff_ffffL".formatted(at));
      case "__u16" -> method("int", name, "buffer.getShort(%s) & 0xffff".formatted(at));
      case "__u8" -> method("int", name, "buffer.get(%s) & 0xff".formatted(at));
      case "__be16" ->
          method("int", name, "Short.reverseBytes(buffer.getShort(%s)) & 0xffff".formatted(at));
      default ->
          throw new IllegalArgumentException(
              "wire.h may not use %s (%s)".formatted(type, member.name()));
    };
  }

  private static String byteArrayAccessors(Btf.Member member, String name, String at) {
    if (member.name().endsWith("_address")) {
      return """
        /** Bytes 8 * index to 8 * index + 7 of {@code %s} as a big-endian number. */
        public long %sWord(int index) {
          return Long.reverseBytes(buffer.getLong(%s + index * 8));
        }
      """
          .formatted(member.name(), name, at);
    }
    return """
      /** Copies the %d bytes of {@code %s}. */
      public void copy%s(byte[] target) {
        buffer.get(%s, target, 0, %d);
      }
    """
        .formatted(
            member.sizeBytes(), member.name(), camel(member.name(), true), at, member.sizeBytes());
  }

  private static String method(String type, String name, String expression) {
    return "  public %s %s() {\n    return %s;\n  }\n".formatted(type, name, expression);
  }

  private static String className(Btf.Struct struct) {
    return camel(struct.name(), true) + "Reader";
  }

  private static String camel(String snake, boolean upperFirst) {
    StringBuilder out = new StringBuilder();
    boolean upper = upperFirst;
    for (String word : snake.split("_")) {
      out.append(upper ? word.substring(0, 1).toUpperCase(Locale.ROOT) : word.substring(0, 1))
          .append(word.substring(1));
      upper = true;
    }
    return out.toString();
  }
}
