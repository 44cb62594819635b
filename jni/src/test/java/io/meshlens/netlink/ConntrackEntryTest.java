// SPDX-License-Identifier: Apache-2.0
package io.meshlens.netlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConntrackEntryTest {
  private final ConntrackEntry entry = new ConntrackEntry();
  private final ByteBuffer buffer = ByteBuffer.allocate(ConntrackTuple.SIZE_BYTES);

  private void fill(ConntrackTuple target, ConntrackTuple source) {
    source.write(buffer, 0);
    target.read(buffer, 0);
  }

  @Test
  void aReplyThatIsTheExactWayBackIsNoTranslation() {
    fill(entry.original, Tuples.of("10.1.0.2", 65_535, "fd99::1", 0));
    fill(entry.reply, Tuples.of("fd99::1", 0, "10.1.0.2", 65_535));

    assertThat(entry.isTranslated()).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "10.2.0.3, 80, 10.1.0.2, 40000",
    "10.2.0.2, 81, 10.1.0.2, 40000",
    "10.2.0.2, 80, 10.1.0.3, 40000",
    "10.2.0.2, 80, 10.1.0.2, 40001",
    "fd01::a02:2, 80, 10.1.0.2, 40000",
    "10.2.0.2, 80, fd01::a01:2, 40000",
    "10.1.0.2, 40000, 10.2.0.2, 80"
  })
  void aReplyFromOrToElsewhereIsATranslation(
      String source, int sourcePort, String destination, int destinationPort) {
    fill(entry.original, Tuples.of("10.1.0.2", 40_000, "10.2.0.2", 80));
    fill(entry.reply, Tuples.of(source, sourcePort, destination, destinationPort));

    assertThat(entry.isTranslated()).isTrue();
  }

  @Test
  void aTupleLiesInTheBufferInNetworkOrder() {
    Tuples.of("10.1.0.2", 40_660, "fd99::1", 80).write(buffer, 0);

    assertThat(buffer.array())
        .asHexString()
        .isEqualTo(
            "00000000000000000000FFFF0A010002FD9900000000000000000000000000019ED4005000000000");
  }

  @ParameterizedTest
  @CsvSource({"-1, 80", "80, 65536"})
  void whatIsNoPortIsRefused(int source, int destination) {
    ConntrackTuple tuple = Tuples.of("10.1.0.2", source, "10.2.0.2", destination);

    assertThatThrownBy(() -> tuple.write(buffer, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("not a port: ");
  }
}
