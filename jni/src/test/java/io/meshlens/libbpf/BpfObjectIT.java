// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@RequiresBpf
class BpfObjectIT {
  @TempDir Path directory;

  @Test
  void namesAreThoseOfTheElf() {
    try (BpfObject many = BpfObject.open(Exercise.ELF);
        BpfObject one = BpfObject.open(Exercise.REFUSED_ELF)) {
      assertThat(many.programNames())
          .contains("produce", "watch_sockets", "watch_calls", "list_maps");
      assertThat(many.mapNames())
          .contains("records", "hashed", "percpu_hashed", "percpu_cells", "devices", "counts");
      assertThat(one.programNames()).containsExactly("reads_unchecked");
      assertThat(one.mapNames()).containsExactly("cells");
    }
  }

  @Test
  void theObjectsTypesAreThoseOfTheFile() throws IOException {
    try (BpfObject object = BpfObject.open(Exercise.ELF)) {
      Btf btf = object.btf();

      assertThat(btf.structs()).isEqualTo(Btf.ofElf(Exercise.ELF).structs());
      assertThat(btf.variables())
          .filteredOn(each -> each.section().equals(".rodata"))
          .extracting(Btf.Variable::offsetBytes)
          .doesNotHaveDuplicates();
    }
  }

  @Test
  void aMissingFileAndOneThatIsNoObjectAreRefused() throws IOException {
    Path missing = directory.resolve("missing.o");
    Path text = Files.writeString(directory.resolve("text.o"), "not an object");

    assertThatThrownBy(() -> BpfObject.open(missing))
        .isInstanceOfSatisfying(
            BpfException.class, e -> assertThat(e.errnoName()).isEqualTo("ENOENT"))
        .hasMessageStartingWith("open " + missing + ": ENOENT (No such file or directory)");
    assertThatThrownBy(() -> BpfObject.open(text))
        .isInstanceOf(BpfException.class)
        .hasMessageStartingWith("open " + text + ": LIBBPF_ERRNO__FORMAT");
  }

  @Test
  void aPathTooLongIsRefused() {
    Path path = Path.of("/" + "x".repeat(5_000));

    assertThatThrownBy(() -> BpfObject.open(path)).hasMessageContaining("ENAMETOOLONG");
  }

  @Test
  void aVerifierFailureCarriesTheVerifiersReason() {
    try (BpfObject object = BpfObject.open(Exercise.REFUSED_ELF)) {
      assertThatThrownBy(object::load)
          .isInstanceOfSatisfying(
              BpfException.class, e -> assertThat(e.errnoName()).isEqualTo("EACCES"))
          .hasMessageStartingWith("load " + Exercise.REFUSED_ELF + ": EACCES (Permission denied)")
          .hasMessageContaining("R0 invalid mem access 'map_value_or_null'")
          .hasMessageContaining("reads_unchecked");
    }
  }

  @Test
  void aDisabledProgramIsNotVerified() {
    try (BpfObject object = BpfObject.open(Exercise.REFUSED_ELF)) {
      object.disable("reads_unchecked");
      object.load();
      try (BpfMap cells = object.map("cells")) {
        assertThat(cells.maxEntries()).isEqualTo(1);
      }
    }
  }

  @Test
  void readOnlyDataIsWhatWasSetBeforeLoad() {
    try (BpfObject object = BpfObject.open(Exercise.ELF)) {
      object.setRodata("multiplier", 0xffff_ffffL);
      object.setRodata("bias", -32_768);
      object.setRodata("small", 255);
      object.setRodata("wide", 1L << 62);
      object.setRodata("negate", 1);
      object.load();
      try (BpfMap records = object.map("records");
          RingBuffer ring = RingBuffer.map(records)) {
        Exercise.produce(object, 3, 1, 0);
        int polled =
            ring.poll(
                (data, offset, length) ->
                    assertThat(data.getLong(offset + 8))
                        .isEqualTo(3 * 0xffff_ffffL - 32_768 + 255 + (1L << 62) + 1),
                1);
        assertThat(polled).isEqualTo(1);
      }
    }
  }

  @Test
  void wrongNamesAndValuesOfReadOnlyDataAreRefused() {
    try (BpfObject object = BpfObject.open(Exercise.ELF)) {
      assertThatThrownBy(() -> object.setRodata("nothing", 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(Exercise.ELF + " has no .rodata variable nothing");
      assertThatThrownBy(() -> object.setRodata("small", 256))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("256 does not fit small");
      assertThatThrownBy(() -> object.setRodata("text", 1))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void wrongNamesAreRefusedWithThoseThereAre() {
    try (BpfObject object = BpfObject.open(Exercise.ELF)) {
      assertThatThrownBy(() -> object.disable("nothing"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no program nothing")
          .hasMessageContaining("watch_sockets");
      assertThatThrownBy(() -> object.setMaxEntries("nothing", 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no map nothing");
    }
  }

  @Test
  void stepsInTheWrongOrderAreRefused() {
    try (BpfObject object = BpfObject.open(Exercise.ELF)) {
      assertThatThrownBy(() -> object.map("hashed")).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> object.attach("watch_calls"))
          .isInstanceOf(IllegalStateException.class);
      object.load();
      assertThatThrownBy(object::load).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> object.setRodata("small", 1))
          .isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> object.setMaxEntries("hashed", 1))
          .isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void useAfterCloseIsRefusedAndMapsOutliveTheirObject() {
    BpfObject object = Exercise.loaded();
    BpfMap hashed = object.map("hashed");
    object.close();
    object.close();

    assertThatThrownBy(object::programNames).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(object::btf).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> object.attach("watch_calls"))
        .isInstanceOf(IllegalStateException.class);
    assertThat(hashed.update(Exercise.ofInt(1), Exercise.ofLong(2), UpdateMode.ANY)).isTrue();
    hashed.close();
    hashed.close();
    assertThatThrownBy(() -> hashed.lookup(Exercise.ofInt(1), Exercise.buffer(8)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("map hashed is closed");
  }
}
