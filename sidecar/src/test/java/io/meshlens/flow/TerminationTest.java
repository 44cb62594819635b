// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

final class TerminationTest {
  @ParameterizedTest
  @CsvSource({
    "FIN_WAIT2, FIN_LOCAL",
    "CLOSING, FIN_LOCAL",
    "LAST_ACK, FIN_REMOTE",
    "ESTABLISHED, RESET_LOCAL",
    "CLOSE_WAIT, RESET_LOCAL",
    "FIN_WAIT1, RESET_LOCAL"
  })
  void endWithoutErrorIsToldFromTheLastState(TcpState last, Termination expected) {
    assertThat(Termination.of(ConnectionEvent.CLOSED, 0, last.number())).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "32, RESET_REMOTE",
    "104, RESET_REMOTE",
    "13, UNREACHABLE",
    "64, UNREACHABLE",
    "92, UNREACHABLE",
    "95, UNREACHABLE",
    "100, UNREACHABLE",
    "101, UNREACHABLE",
    "112, UNREACHABLE",
    "113, UNREACHABLE",
    "103, ABORTED",
    "110, TIMEOUT",
    "111, REFUSED",
    "71, UNKNOWN",
    "4095, UNKNOWN"
  })
  void errorDecidesWhateverTheState(int error, Termination expected) {
    for (ConnectionEvent event : List.of(ConnectionEvent.CLOSED, ConnectionEvent.FAILED)) {
      for (TcpState last : TcpState.values()) {
        assertThat(Termination.of(event, error, last.number())).isEqualTo(expected);
      }
    }
  }

  @Test
  void openConnectionHasNotEndedWhateverItsError() {
    assertThat(Termination.of(ConnectionEvent.PERIODIC, 0, TcpState.ESTABLISHED.number()))
        .isEqualTo(Termination.NONE);
    assertThat(Termination.of(ConnectionEvent.PERIODIC, 104, TcpState.CLOSE_WAIT.number()))
        .isEqualTo(Termination.NONE);
  }

  @Test
  void failureWithoutErrorIsTheApplicationGivingUp() {
    assertThat(Termination.of(ConnectionEvent.FAILED, 0, TcpState.SYN_SENT.number()))
        .isEqualTo(Termination.ABORTED);
  }

  @ParameterizedTest
  @EnumSource
  void labelIsTheLowerCaseName(Termination termination) {
    assertThat(termination.label())
        .isEqualTo(termination.name().toLowerCase(java.util.Locale.ROOT));
  }
}
