// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** Finds a section of a little-endian 64 bit ELF file by name; see elf(5) for the offsets. */
final class ElfSection {
  private static final int MAGIC = 0x464c457f;
  private static final int CLASS_64 = 2;
  private static final int LITTLE_ENDIAN = 1;
  private static final int FILE_HEADER_BYTES = 64;
  private static final int SECTION_HEADER_BYTES = 64;

  private final ByteBuffer file;
  private final String what;

  private ElfSection(ByteBuffer file, String what) {
    this.file = file;
    this.what = what;
  }

  static ByteBuffer read(Path elf, String section) throws IOException {
    ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(elf)).order(ByteOrder.LITTLE_ENDIAN);
    return new ElfSection(file, elf.toString()).find(section);
  }

  private ByteBuffer find(String section) {
    if (file.limit() < FILE_HEADER_BYTES
        || file.getInt(0) != MAGIC
        || file.get(4) != CLASS_64
        || file.get(5) != LITTLE_ENDIAN) {
      throw new IllegalArgumentException(what + " is not a little-endian 64 bit ELF file");
    }
    long table = file.getLong(40);
    int headerBytes = Short.toUnsignedInt(file.getShort(58));
    int count = Short.toUnsignedInt(file.getShort(60));
    int namesIndex = Short.toUnsignedInt(file.getShort(62));
    if (headerBytes != SECTION_HEADER_BYTES || namesIndex >= count) {
      throw new IllegalArgumentException(what + ": malformed section header table");
    }
    ByteBuffer headers = slice("section headers", table, (long) count * SECTION_HEADER_BYTES);
    ByteBuffer names = content(headers, namesIndex);
    for (int i = 0; i < count; i++) {
      if (hasName(names, headers.getInt(i * SECTION_HEADER_BYTES), section)) {
        return content(headers, i);
      }
    }
    throw new IllegalArgumentException(what + " has no section " + section);
  }

  private ByteBuffer content(ByteBuffer headers, int index) {
    int header = index * SECTION_HEADER_BYTES;
    return slice("section " + index, headers.getLong(header + 24), headers.getLong(header + 32));
  }

  private ByteBuffer slice(String part, long offset, long size) {
    if (offset < 0 || size < 0 || offset > file.limit() || size > file.limit() - offset) {
      throw new IllegalArgumentException(
          "%s: %s at offset %d with %d bytes is outside the file of %d bytes"
              .formatted(what, part, offset, size, file.limit()));
    }
    return file.slice((int) offset, (int) size).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static boolean hasName(ByteBuffer names, int offset, String name) {
    if (offset < 0 || offset >= names.limit() - name.length()) {
      return false;
    }
    for (int i = 0; i < name.length(); i++) {
      if (names.get(offset + i) != name.charAt(i)) {
        return false;
      }
    }
    return names.get(offset + name.length()) == 0;
  }
}
