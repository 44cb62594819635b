// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import io.meshlens.libbpf.Btf.Encoding;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads raw BTF, all kinds up to ENUM64; see Documentation/bpf/btf.rst for the layout. */
final class BtfParser {
  private static final int MAGIC = 0xeb9f;
  private static final int MINIMUM_HEADER_BYTES = 24;
  private static final int TYPE_BYTES = 12;
  private static final int MAX_CHAIN = 64;

  private static final int INT = 1;
  private static final int PTR = 2;
  private static final int ARRAY = 3;
  private static final int STRUCT = 4;
  private static final int UNION = 5;
  private static final int ENUM = 6;
  private static final int FWD = 7;
  private static final int TYPEDEF = 8;
  private static final int VOLATILE = 9;
  private static final int CONST = 10;
  private static final int RESTRICT = 11;
  private static final int FUNC = 12;
  private static final int FUNC_PROTO = 13;
  private static final int VAR = 14;
  private static final int DATASEC = 15;
  private static final int FLOAT = 16;
  private static final int DECL_TAG = 17;
  private static final int TYPE_TAG = 18;
  private static final int ENUM64 = 19;

  /** What a reference to a type comes down to. */
  private record Shape(int sizeBytes, Encoding encoding, String typeName) {}

  private final ByteBuffer raw;
  private ByteBuffer types = ByteBuffer.allocate(0);
  private ByteBuffer strings = ByteBuffer.allocate(0);

  /** Offset in {@link #types} by type id; id 0 is void. */
  private int[] offsets = new int[1024];

  private int typeCount = 1;

  BtfParser(ByteBuffer raw) {
    this.raw = raw.slice().order(ByteOrder.LITTLE_ENDIAN);
  }

  Btf parse() {
    readHeader();
    indexTypes();
    List<Btf.Struct> structs = new ArrayList<>();
    List<Btf.Enumeration> enumerations = new ArrayList<>();
    List<Btf.Variable> variables = new ArrayList<>();
    for (int id = 1; id < typeCount; id++) {
      switch (kind(id)) {
        case STRUCT -> structs.add(struct(id));
        case ENUM, ENUM64 -> enumerations.add(enumeration(id));
        case DATASEC -> addVariables(id, variables);
        default -> {}
      }
    }
    return new Btf(structs, enumerations, variables);
  }

  private void readHeader() {
    if (raw.limit() < MINIMUM_HEADER_BYTES) {
      throw malformed("header", 0, "only " + raw.limit() + " bytes");
    }
    if (Short.toUnsignedInt(raw.getShort(0)) != MAGIC) {
      throw malformed("header", 0, "magic is not that of little-endian BTF");
    }
    if (raw.get(2) != 1) {
      throw malformed("header", 2, "version is " + raw.get(2) + ", expected 1");
    }
    long header = Integer.toUnsignedLong(raw.getInt(4));
    if (header < MINIMUM_HEADER_BYTES) {
      throw malformed("header", 4, "header length is " + header);
    }
    types = part("types", 8, header);
    strings = part("strings", 16, header);
    if (strings.limit() > 0 && strings.get(strings.limit() - 1) != 0) {
      throw malformed("strings", strings.limit() - 1, "last string has no end");
    }
  }

  private ByteBuffer part(String what, int field, long header) {
    long start = header + Integer.toUnsignedLong(raw.getInt(field));
    long size = Integer.toUnsignedLong(raw.getInt(field + 4));
    if (start + size > raw.limit()) {
      throw malformed("header", field, what + " end at " + (start + size) + ", behind the input");
    }
    return raw.slice((int) start, (int) size).order(ByteOrder.LITTLE_ENDIAN);
  }

  private void indexTypes() {
    int offset = 0;
    while (offset < types.limit()) {
      if (types.limit() - offset < TYPE_BYTES) {
        throw malformed("type " + typeCount, offset, "cut off");
      }
      if (typeCount == offsets.length) {
        offsets = Arrays.copyOf(offsets, 2 * offsets.length);
      }
      offsets[typeCount] = offset;
      long next = offset + TYPE_BYTES + tailBytes(typeCount);
      if (next > types.limit()) {
        throw malformed("type " + typeCount, offset, "cut off");
      }
      typeCount++;
      offset = (int) next;
    }
  }

  private long tailBytes(int id) {
    long vlen = vlen(id);
    return switch (kind(id)) {
      case INT, VAR, DECL_TAG -> 4;
      case ARRAY -> 12;
      case STRUCT, UNION, DATASEC, ENUM64 -> 12 * vlen;
      case ENUM, FUNC_PROTO -> 8 * vlen;
      case PTR, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FLOAT, TYPE_TAG -> 0;
      default -> throw malformed("type " + id, offsets[id], "unknown kind " + kind(id));
    };
  }

  private Btf.Struct struct(int id) {
    List<Btf.Member> members = new ArrayList<>(vlen(id));
    for (int i = 0; i < vlen(id); i++) {
      int at = offsets[id] + TYPE_BYTES + 12 * i;
      Shape shape = shape(types.getInt(at + 4));
      int position = types.getInt(at + 8);
      int bitFieldBits = flag(id) ? position >>> 24 : 0;
      long bits = flag(id) ? position & 0xffffff : Integer.toUnsignedLong(position);
      boolean wholeBytes = bitFieldBits == 0 && bits % Byte.SIZE == 0;
      members.add(
          new Btf.Member(
              string(types.getInt(at)),
              (int) (bits / Byte.SIZE),
              shape.sizeBytes(),
              wholeBytes ? shape.encoding() : Encoding.OTHER,
              shape.typeName()));
    }
    return new Btf.Struct(name(id), size(id), members);
  }

  private Btf.Enumeration enumeration(int id) {
    boolean wide = kind(id) == ENUM64;
    Map<String, Long> values = new LinkedHashMap<>();
    for (int i = 0; i < vlen(id); i++) {
      int at = offsets[id] + TYPE_BYTES + (wide ? 12 : 8) * i;
      int low = types.getInt(at + 4);
      long value = flag(id) ? low : Integer.toUnsignedLong(low);
      if (wide) {
        value = Integer.toUnsignedLong(low) | (long) types.getInt(at + 8) << 32;
      }
      values.put(string(types.getInt(at)), value);
    }
    return new Btf.Enumeration(name(id), values);
  }

  private void addVariables(int section, List<Btf.Variable> variables) {
    for (int i = 0; i < vlen(section); i++) {
      int at = offsets[section] + TYPE_BYTES + 12 * i;
      int id = checked(types.getInt(at));
      // A section of external functions, .ksyms, lists FUNCs.
      if (kind(id) != VAR) {
        continue;
      }
      int type = reference(id);
      Shape shape = type == 0 ? new Shape(0, Encoding.OTHER, "") : shape(type);
      variables.add(
          new Btf.Variable(
              name(section),
              name(id),
              nonNegative("variable offset", at + 4),
              nonNegative("variable size", at + 8),
              shape.encoding(),
              shape.typeName()));
    }
  }

  /** Follows a reference through modifiers, typedefs and arrays; bounded, so cycles end. */
  private Shape shape(int reference) {
    int id = checked(reference);
    String typedef = "";
    long elements = 1;
    boolean array = false;
    for (int depth = 0; depth < MAX_CHAIN; depth++) {
      switch (kind(id)) {
        case TYPEDEF -> {
          typedef = typedef.isEmpty() ? name(id) : typedef;
          id = checked(reference(id));
        }
        case VOLATILE, CONST, RESTRICT, TYPE_TAG -> id = checked(reference(id));
        case ARRAY -> {
          array = true;
          elements *= Integer.toUnsignedLong(types.getInt(offsets[id] + TYPE_BYTES + 8));
          if (elements > Integer.MAX_VALUE) {
            throw malformed("type " + id, offsets[id], "array too long");
          }
          id = checked(types.getInt(offsets[id] + TYPE_BYTES));
        }
        default -> {
          return shape(id, typedef.isEmpty() ? name(id) : typedef, array, elements);
        }
      }
    }
    throw malformed("type " + reference, offsets[reference], "chain of types does not end");
  }

  private Shape shape(int id, String typeName, boolean array, long elements) {
    int elementBytes =
        switch (kind(id)) {
          case INT, STRUCT, UNION, ENUM, ENUM64, FLOAT -> size(id);
          case PTR -> Long.BYTES;
          default -> throw malformed("type " + id, offsets[id], "has no size");
        };
    long bytes = elements * elementBytes;
    if (bytes > Integer.MAX_VALUE) {
      throw malformed("type " + id, offsets[id], "too large");
    }
    Encoding encoding = encoding(id, elementBytes);
    if (array) {
      boolean ofBytes = kind(id) == INT && elementBytes == 1 && encoding != Encoding.OTHER;
      encoding = ofBytes ? Encoding.BYTE_ARRAY : Encoding.OTHER;
    }
    return new Shape((int) bytes, encoding, typeName);
  }

  private Encoding encoding(int id, int bytes) {
    boolean readable = bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
    boolean signed = flag(id);
    switch (kind(id)) {
      case STRUCT -> {
        return Encoding.STRUCT;
      }
      case INT -> {
        // Bits 0-7: width; 16-23: offset, of a bit-field in the old style; 24: signed.
        int detail = types.getInt(offsets[id] + TYPE_BYTES);
        readable &= (detail & 0xff) == bytes * Byte.SIZE && (detail >>> 16 & 0xff) == 0;
        signed = (detail >>> 24 & 1) != 0;
      }
      case ENUM, ENUM64 -> {}
      default -> readable = false;
    }
    return !readable ? Encoding.OTHER : signed ? Encoding.SIGNED : Encoding.UNSIGNED;
  }

  private int kind(int id) {
    return id == 0 ? 0 : types.getInt(offsets[id] + 4) >>> 24 & 0x1f;
  }

  private int vlen(int id) {
    return types.getInt(offsets[id] + 4) & 0xffff;
  }

  private boolean flag(int id) {
    return types.getInt(offsets[id] + 4) < 0;
  }

  private String name(int id) {
    return id == 0 ? "" : string(types.getInt(offsets[id]));
  }

  private int size(int id) {
    return nonNegative("size of type " + id, offsets[id] + 8);
  }

  private int reference(int id) {
    return types.getInt(offsets[id] + 8);
  }

  private int nonNegative(String what, int at) {
    int value = types.getInt(at);
    if (value < 0) {
      throw malformed(what, at, "is " + Integer.toUnsignedString(value));
    }
    return value;
  }

  private int checked(int id) {
    if (id <= 0 || id >= typeCount) {
      throw malformed("reference", 0, "to type " + Integer.toUnsignedString(id));
    }
    return id;
  }

  private String string(int offset) {
    if (offset < 0 || offset >= strings.limit()) {
      throw malformed("string", offset, "outside the strings");
    }
    int end = offset;
    while (strings.get(end) != 0) {
      end++;
    }
    byte[] text = new byte[end - offset];
    strings.get(offset, text);
    return new String(text, StandardCharsets.UTF_8);
  }

  private static IllegalArgumentException malformed(String what, int offset, String why) {
    return new IllegalArgumentException(
        "malformed BTF: %s at offset %s: %s"
            .formatted(what, Integer.toUnsignedString(offset), why));
  }
}
