// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

final class TerminationTest {
  private static int states(String path) {
    int states = 0;
    for (String state : path.split(" ", -1)) {
      states |= 1 << TcpState.valueOf(state).number();
    }
    return states;
  }

  @ParameterizedTest
  @CsvSource({
    "ESTABLISHED FIN_WAIT1 FIN_WAIT2 CLOSE, FIN_LOCAL",
    "ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE, FIN_LOCAL",
    "ESTABLISHED FIN_WAIT1 CLOSING CLOSE, FIN_LOCAL",
    "ESTABLISHED FIN_WAIT1 CLOSING TIME_WAIT CLOSE, FIN_LOCAL",
    "SYN_SENT ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE, FIN_REMOTE",
    "SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE, FIN_REMOTE",
    "ESTABLISHED CLOSE, RESET_LOCAL",
    "ESTABLISHED CLOSE_WAIT CLOSE, RESET_LOCAL",
    "ESTABLISHED FIN_WAIT1 CLOSE, RESET_LOCAL"
  })
  void endWithoutErrorIsToldFromTheStatesPassed(String path, Termination expected) {
    assertThat(Termination.of(ConnectionEvent.CLOSED, 0, states(path))).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "32, RESET_REMOTE",
    "104, RESET_REMOTE",
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
  void errorDecidesWhateverTheStates(int error, Termination expected) {
    for (ConnectionEvent event : ConnectionEvent.values()) {
      for (String path : new String[] {"CLOSE", "SYN_SENT CLOSE", "ESTABLISHED LAST_ACK CLOSE"}) {
        assertThat(Termination.of(event, error, states(path))).isEqualTo(expected);
      }
    }
  }

  @Test
  void failureWithoutErrorIsTheApplicationGivingUp() {
    assertThat(Termination.of(ConnectionEvent.FAILED, 0, states("SYN_SENT CLOSE")))
        .isEqualTo(Termination.ABORTED);
  }

  @ParameterizedTest
  @EnumSource
  void labelIsTheLowerCaseName(Termination termination) {
    assertThat(termination.label())
        .isEqualTo(termination.name().toLowerCase(java.util.Locale.ROOT));
  }
}
