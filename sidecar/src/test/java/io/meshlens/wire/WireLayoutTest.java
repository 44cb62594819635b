// SPDX-License-Identifier: Apache-2.0
package io.meshlens.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.meshlens.flow.TcpState;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

final class WireLayoutTest {
  private static final String MEMBER = "struct connection_record.bytes_sent";
  private static final String STATE_PREFIX = "CONNECTION_STATE_";

  @Test
  void sameLayoutPasses() {
    assertThatCode(() -> WireLayout.verify(WireLayout.expected(), WireLayout.expected()))
        .doesNotThrowAnyException();
  }

  @Test
  void layoutIsThatOfTheKernelBuild() throws IOException {
    Map<String, String> built =
        new ObjectMapper()
            .readValue(Path.of("../bpf/wire-layout.json").toFile(), new TypeReference<>() {});

    assertThat(WireLayout.expected()).containsExactlyInAnyOrderEntriesOf(built);
  }

  @Test
  void movedMemberIsATableRowWithBothOffsets() {
    SortedMap<String, String> moved = new TreeMap<>(WireLayout.expected());
    moved.put(MEMBER, "offset 48, 8 bytes, __u64 unsigned");

    assertThatThrownBy(() -> WireLayout.verify(WireLayout.expected(), moved))
        .isInstanceOf(LayoutMismatchException.class)
        .message()
        .containsPattern("what +sidecar expects +object has")
        .containsPattern(MEMBER + " +offset 40, 8 bytes.*offset 48, 8 bytes")
        .doesNotContain("bytes_retransmitted");
  }

  @Test
  void missingMemberIsATableRowThatSaysAbsent() {
    SortedMap<String, String> poorer = new TreeMap<>(WireLayout.expected());
    poorer.remove(MEMBER);

    assertThatThrownBy(() -> WireLayout.verify(WireLayout.expected(), poorer))
        .isInstanceOf(LayoutMismatchException.class)
        .message()
        .containsPattern(MEMBER + " +offset 40, 8 bytes, __u64 unsigned +\\(absent\\)");
  }

  @Test
  void extraMemberIsATableRowThatSaysAbsent() {
    SortedMap<String, String> richer = new TreeMap<>(WireLayout.expected());
    richer.put("struct connection_record.color", "offset 184, 8 bytes, __u64 unsigned");

    assertThatThrownBy(() -> WireLayout.verify(WireLayout.expected(), richer))
        .isInstanceOf(LayoutMismatchException.class)
        .message()
        .containsPattern("struct connection_record.color +\\(absent\\) +offset 184");
  }

  @Test
  void changedEnumerationValueIsATableRow() {
    SortedMap<String, String> renumbered = new TreeMap<>(WireLayout.expected());
    renumbered.put("enum record_kind.RECORD_KIND_CONNECTION", "2");

    assertThatThrownBy(() -> WireLayout.verify(WireLayout.expected(), renumbered))
        .isInstanceOf(LayoutMismatchException.class)
        .message()
        .containsPattern("RECORD_KIND_CONNECTION +1 +2");
  }

  @Test
  void everyDifferenceIsInTheTable() {
    SortedMap<String, String> other = new TreeMap<>(WireLayout.expected());
    other.remove(MEMBER);
    other.remove("struct sums_key.error");

    assertThatThrownBy(() -> WireLayout.verify(WireLayout.expected(), other))
        .hasMessageContaining(MEMBER)
        .hasMessageContaining("struct sums_key.error");
  }

  @Test
  void statesOfTheWireAreTheStatesOfTheDomain() {
    Map<String, Integer> domain =
        Arrays.stream(TcpState.values())
            .collect(Collectors.toMap(TcpState::name, TcpState::number));
    Map<String, Integer> wire =
        Arrays.stream(WireCodes.class.getFields())
            .filter(field -> field.getName().startsWith(STATE_PREFIX))
            .collect(
                Collectors.toMap(
                    field -> field.getName().substring(STATE_PREFIX.length()),
                    WireLayoutTest::value));

    assertThat(wire).containsExactlyInAnyOrderEntriesOf(domain);
  }

  private static int value(Field field) {
    try {
      return field.getInt(null);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
  }
}
