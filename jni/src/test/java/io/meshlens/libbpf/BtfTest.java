// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshlens.libbpf.Btf.Encoding;
import io.meshlens.libbpf.Btf.Member;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BtfTest {
  private static final int INT = 1;
  private static final int STRUCT = 4;
  private static final int ENUM = 6;
  private static final int FWD = 7;
  private static final int TYPEDEF = 8;
  private static final int ENUM64 = 19;

  /** Bit 31 of the word whose top byte is the kind. */
  private static final int SIGNED = 1 << 7;

  @TempDir Path directory;

  @Test
  void membersOfAStructAreToldApart() throws IOException {
    Btf.Struct sample = Btf.ofElf(Exercise.ELF).struct("layout_sample").orElseThrow();

    assertThat(sample.sizeBytes()).isEqualTo(72);
    assertThat(sample.members())
        .containsExactly(
            new Member("sequence", 0, 8, Encoding.UNSIGNED, "__u64"),
            new Member("port_be", 8, 2, Encoding.UNSIGNED, "__be16"),
            new Member("delta", 10, 2, Encoding.SIGNED, "__s16"),
            new Member("address", 12, 16, Encoding.BYTE_ARRAY, "__u8"),
            new Member("label", 28, 4, Encoding.BYTE_ARRAY, "char"),
            new Member("fixed", 32, 4, Encoding.UNSIGNED, "__u32"),
            new Member("words", 36, 12, Encoding.OTHER, "__u32"),
            new Member("pair", 48, 2, Encoding.STRUCT, ""),
            new Member("verdict", 52, 4, Encoding.UNSIGNED, "verdict"),
            new Member("pointer", 56, 8, Encoding.OTHER, ""),
            new Member("narrow", 64, 4, Encoding.OTHER, "__u32"),
            new Member("flag", 65, 1, Encoding.UNSIGNED, "_Bool"));
  }

  @Test
  void anEnumerationKeepsItsOrder() throws IOException {
    Btf.Enumeration verdict = Btf.ofElf(Exercise.ELF).enumeration("verdict").orElseThrow();

    assertThat(verdict.values())
        .containsExactly(Map.entry("VERDICT_DROP", 1L), Map.entry("VERDICT_PASS", 3L));
  }

  @Test
  void variablesAreFoundBySectionAndName() throws IOException {
    Btf btf = Btf.ofElf(Exercise.ELF);

    Btf.Variable bias = btf.variable(".rodata", "bias").orElseThrow();
    assertThat(bias.sizeBytes()).isEqualTo(2);
    assertThat(bias.encoding()).isEqualTo(Encoding.SIGNED);
    assertThat(bias.typeName()).isEqualTo("__s16");
    assertThat(btf.variable(".maps", "records")).isPresent();
    assertThat(btf.variable(".maps", "bias")).isEmpty();
  }

  @Test
  void valuesMustFitTheirVariable() throws IOException {
    Btf btf = Btf.ofElf(Exercise.ELF);
    Btf.Variable bias = btf.variable(".rodata", "bias").orElseThrow();
    Btf.Variable small = btf.variable(".rodata", "small").orElseThrow();
    Btf.Variable text = btf.variable(".rodata", "text").orElseThrow();

    bias.requireFits(-32768);
    bias.requireFits(32767);
    small.requireFits(255);
    assertThatThrownBy(() -> bias.requireFits(32768))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("32768 does not fit bias, which takes -32768 to 32767");
    assertThatThrownBy(() -> small.requireFits(-1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> small.requireFits(256)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> text.requireFits(1)).hasMessage("text is not an integer");
  }

  @Test
  void valuesOfAnEnumerationAreSignedWhereItSaysSo() {
    byte[] unsigned = new Raw().type("a", ENUM, 1, 4).words(1, -1).bytes();
    byte[] signed = new Raw().type("a", SIGNED | ENUM, 1, 4).words(1, -1).bytes();

    assertThat(Btf.parse(ByteBuffer.wrap(unsigned)).enumeration("a").orElseThrow().values())
        .containsEntry("a", 0xffff_ffffL);
    assertThat(Btf.parse(ByteBuffer.wrap(signed)).enumeration("a").orElseThrow().values())
        .containsEntry("a", -1L);
  }

  @Test
  void enum64ValuesKeepAllBits() {
    byte[] raw =
        new Raw()
            .type("wide", ENUM64, 2, 8)
            .words(8, 5, 0)
            .words(12, 1, 0x8000_0000)
            .bytes("low", "high");

    assertThat(Btf.parse(ByteBuffer.wrap(raw)).enumeration("wide").orElseThrow().values())
        .containsEntry("low", 5L)
        .containsEntry("high", 0x8000_0000_0000_0001L);
  }

  @Test
  void aCycleOfTypedefsIsRefused() {
    byte[] raw =
        new Raw()
            .type("a", TYPEDEF, 0, 2)
            .type("a", TYPEDEF, 0, 1)
            .type("a", STRUCT, 1, 4)
            .words(0, 1, 0)
            .bytes();

    assertThatThrownBy(() -> Btf.parse(ByteBuffer.wrap(raw)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("does not end");
  }

  @Test
  void aMemberWithoutSizeIsRefused() {
    byte[] raw = new Raw().type("a", FWD, 0, 0).type("a", STRUCT, 1, 4).words(0, 1, 0).bytes();

    assertThatThrownBy(() -> Btf.parse(ByteBuffer.wrap(raw)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("type 1")
        .hasMessageContaining("no size");
  }

  @Test
  void aReferenceBehindTheLastTypeIsRefused() {
    byte[] raw = new Raw().type("a", STRUCT, 1, 4).words(0, 77, 0).bytes();

    assertThatThrownBy(() -> Btf.parse(ByteBuffer.wrap(raw)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("to type 77");
  }

  @Test
  void bigEndianAndShortInputsAreRefused() {
    byte[] swapped = new Raw().type("a", INT, 0, 4).words(32).bytes();
    swapped[0] = (byte) 0xeb;
    swapped[1] = (byte) 0x9f;

    assertThatThrownBy(() -> Btf.parse(ByteBuffer.wrap(swapped)))
        .hasMessageContaining("little-endian");
    assertThatThrownBy(() -> Btf.parse(ByteBuffer.allocate(23)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("only 23 bytes");
  }

  @Test
  void corruptedInputNeverFailsOtherwiseThanByIllegalArgument() throws IOException {
    ByteBuffer section = ElfSection.read(Exercise.ELF, ".BTF");
    byte[] original = new byte[section.remaining()];
    section.get(0, original);
    Random random = new Random(20_261_101);
    Assertions.assertTimeoutPreemptively(
        Duration.ofMinutes(1),
        () -> {
          for (int round = 0; round < 20_000; round++) {
            byte[] raw = original.clone();
            for (int i = random.nextInt(1, 9); i > 0; i--) {
              raw[random.nextInt(raw.length)] = (byte) random.nextInt();
            }
            int length = random.nextInt(4) == 0 ? random.nextInt(raw.length) : raw.length;
            parseOrRefuse(ByteBuffer.wrap(raw, 0, length));
          }
        });
  }

  @Test
  void corruptedElfNeverFailsOtherwiseThanByIllegalArgument() throws IOException {
    byte[] original = Files.readAllBytes(Exercise.ELF);
    Path file = directory.resolve("corrupt.o");
    Random random = new Random(10_007);
    for (int round = 0; round < 500; round++) {
      byte[] raw = original.clone();
      int headers = (int) ByteBuffer.wrap(raw).order(ByteOrder.LITTLE_ENDIAN).getLong(40);
      raw[random.nextInt(64)] = (byte) random.nextInt();
      raw[random.nextInt(headers, raw.length)] = (byte) random.nextInt();
      Files.write(file, raw);
      try {
        assertThat(Btf.ofElf(file)).isNotNull();
      } catch (IllegalArgumentException e) {
        assertThat(e).hasMessageMatching("(?s).+");
      }
    }
  }

  @Test
  void aFileThatIsNoElfIsRefused() throws IOException {
    Path file = Files.writeString(directory.resolve("note"), "x".repeat(100));

    assertThatThrownBy(() -> Btf.ofElf(file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not a little-endian 64 bit ELF file");
    assertThatThrownBy(() -> ElfSection.read(Exercise.ELF, ".nothing"))
        .hasMessageContaining("has no section .nothing");
  }

  @Test
  void theKernelsOwnTypesAreRead() throws IOException {
    Path kernel = Path.of("/sys/kernel/btf/vmlinux");
    // A developer's kernel may lack it; where CI=true a missing file is a failure, not a skip.
    Assumptions.assumeTrue(
        Files.isReadable(kernel) || "true".equals(System.getenv("CI")), "no kernel BTF");

    Btf btf = Btf.parse(ByteBuffer.wrap(Files.readAllBytes(kernel)));

    assertThat(btf.structs()).hasSizeGreaterThan(1000);
    assertThat(btf.struct("tcp_sock").orElseThrow().members())
        .anySatisfy(member -> assertThat(member.name()).isEqualTo("srtt_us"));
    assertThat(btf.enumeration("bpf_prog_type").orElseThrow().values())
        .containsEntry("BPF_PROG_TYPE_SOCK_OPS", 13L);
  }

  private static void parseOrRefuse(ByteBuffer raw) {
    try {
      assertThat(Btf.parse(raw)).isNotNull();
    } catch (IllegalArgumentException e) {
      assertThat(e).hasMessageStartingWith("malformed BTF: ");
    }
  }

  /** Writes raw BTF; the strings are "" at 0, "a" at 1, "wide" at 3, then others from 8. */
  private static final class Raw {
    private final ByteBuffer types = ByteBuffer.allocate(1024).order(ByteOrder.LITTLE_ENDIAN);

    Raw type(String name, int kind, int length, int sizeOrType) {
      return words(name.equals("a") ? 1 : 3, kind << 24 | length, sizeOrType);
    }

    Raw words(int... words) {
      for (int word : words) {
        types.putInt(word);
      }
      return this;
    }

    byte[] bytes(String... names) {
      String text = "\0a\0wide\0" + String.join("\0", names) + "\0";
      byte[] strings = text.getBytes(StandardCharsets.US_ASCII);
      ByteBuffer raw =
          ByteBuffer.allocate(24 + types.position() + strings.length)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putShort((short) 0xeb9f)
              .put((byte) 1)
              .put((byte) 0)
              .putInt(24)
              .putInt(0)
              .putInt(types.position())
              .putInt(types.position())
              .putInt(strings.length);
      return raw.put(types.flip()).put(strings).array();
    }
  }
}
