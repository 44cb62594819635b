// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The BPF type format: structs, enumerations and global variables of an object. Immutable, and pure
 * Java: the native library is not needed.
 *
 * <p>Malformed input is an {@link IllegalArgumentException} that says what and where.
 */
public final class Btf {
  /** How the bytes of a member or variable are to be read. */
  public enum Encoding {
    /** An unsigned integer, bool or enum of 1, 2, 4 or 8 bytes. */
    UNSIGNED,
    /** A signed integer or enum of 1, 2, 4 or 8 bytes. */
    SIGNED,
    /** An array of one-byte integers. */
    BYTE_ARRAY,
    /** A struct, to be found by its type name. */
    STRUCT,
    /** A pointer, union, bit-field, floating point number, wider integer or other array. */
    OTHER
  }

  /**
   * A member of a struct.
   *
   * @param name empty for an anonymous struct or union
   * @param offsetBytes from the start of the struct; of a bit-field, rounded down
   * @param sizeBytes of the whole member, arrays included
   * @param encoding how to read it
   * @param typeName the first typedef on the way to the type, such as {@code __be16}, or the name
   *     of the type itself; of an array, the element's; empty if there is none
   */
  public record Member(
      String name, int offsetBytes, int sizeBytes, Encoding encoding, String typeName) {}

  /** A struct, its members in order; the name is empty if it has none. */
  public record Struct(String name, int sizeBytes, List<Member> members) {
    /** Copies the members. */
    public Struct {
      members = List.copyOf(members);
    }
  }

  /** An enumeration, its values by name in order; its own name is empty if it has none. */
  public record Enumeration(String name, Map<String, Long> values) {
    /** Copies the values. */
    public Enumeration {
      values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }
  }

  /**
   * A global variable.
   *
   * @param section such as {@code .rodata}
   * @param name the variable's name
   * @param offsetBytes in the section; 0 in an object file that libbpf has not opened
   * @param sizeBytes of the variable
   * @param encoding how to read it
   * @param typeName as of a {@link Member}
   */
  public record Variable(
      String section,
      String name,
      int offsetBytes,
      int sizeBytes,
      Encoding encoding,
      String typeName) {

    /**
     * Checks that the variable is an integer wide enough for a value.
     *
     * @throws IllegalArgumentException if not; every long fits an unsigned variable of 8 bytes
     */
    public void requireFits(long value) {
      if (encoding != Encoding.SIGNED && encoding != Encoding.UNSIGNED) {
        throw new IllegalArgumentException(name + " is not an integer");
      }
      if (sizeBytes >= Long.BYTES) {
        return;
      }
      int bits = sizeBytes * Byte.SIZE;
      long low = encoding == Encoding.SIGNED ? -(1L << (bits - 1)) : 0;
      long high = (1L << (encoding == Encoding.SIGNED ? bits - 1 : bits)) - 1;
      if (value < low || value > high) {
        throw new IllegalArgumentException(
            "%d does not fit %s, which takes %d to %d".formatted(value, name, low, high));
      }
    }
  }

  private final List<Struct> structs;
  private final List<Enumeration> enumerations;
  private final List<Variable> variables;

  Btf(List<Struct> structs, List<Enumeration> enumerations, List<Variable> variables) {
    this.structs = List.copyOf(structs);
    this.enumerations = List.copyOf(enumerations);
    this.variables = List.copyOf(variables);
  }

  /** Reads raw BTF: the remaining bytes of a buffer, which is not changed. */
  public static Btf parse(ByteBuffer raw) {
    return new BtfParser(raw).parse();
  }

  /**
   * Reads the {@code .BTF} section of a little-endian 64 bit ELF file.
   *
   * @throws IOException if the file cannot be read
   */
  public static Btf ofElf(Path elf) throws IOException {
    return parse(ElfSection.read(elf, ".BTF"));
  }

  /** Returns all structs, in the order of the format. */
  public List<Struct> structs() {
    return structs;
  }

  /** Returns the first struct of a name. */
  public Optional<Struct> struct(String name) {
    return structs.stream().filter(struct -> struct.name().equals(name)).findFirst();
  }

  /** Returns all enumerations, in the order of the format. */
  public List<Enumeration> enumerations() {
    return enumerations;
  }

  /** Returns the first enumeration of a name. */
  public Optional<Enumeration> enumeration(String name) {
    return enumerations.stream().filter(each -> each.name().equals(name)).findFirst();
  }

  /** Returns all variables, section by section. */
  public List<Variable> variables() {
    return variables;
  }

  /** Returns a variable of a section. */
  public Optional<Variable> variable(String section, String name) {
    return variables.stream()
        .filter(each -> each.section().equals(section) && each.name().equals(name))
        .findFirst();
  }
}
