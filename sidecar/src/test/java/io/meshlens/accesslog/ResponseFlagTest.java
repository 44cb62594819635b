// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Errno;
import io.meshlens.flow.Termination;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ResponseFlagTest {
  private static String flags(Connection c) {
    return String.join(",", ResponseFlag.of(c).stream().map(ResponseFlag::code).toList());
  }

  private static Connection connection(
      ConnectionEvent event, Direction direction, Termination termination) {
    Connection c = new Connection();
    c.event = event;
    c.direction = direction;
    c.termination = termination;
    return c;
  }

  @ParameterizedTest
  @CsvSource({
    "CLOSED, RESET_LOCAL, DC, UC",
    "CLOSED, RESET_REMOTE, UC, DC",
    "CLOSED, ABORTED, DC, UC",
    "CLOSED, UNREACHABLE, UC, DC",
    "CLOSED, TIMEOUT, 'UT,UC', DC",
    "CLOSED, FIN_LOCAL, '', ''",
    "CLOSED, FIN_REMOTE, '', ''",
    "CLOSED, IDLE, '', ''",
    "FAILED, REFUSED, UF, UF",
    "FAILED, UNREACHABLE, UF, DC",
    "FAILED, TIMEOUT, UF, DC",
    "FAILED, ABORTED, 'UF,DC', UF",
    "FAILED, RESET_REMOTE, UF, DC",
    "FAILED, UNKNOWN, UF, ''",
  })
  void flagsNameTheSideThatBrokeItWhicheverReports(
      ConnectionEvent event, Termination termination, String outbound, String inbound) {
    assertThat(flags(connection(event, Direction.OUTBOUND, termination))).isEqualTo(outbound);
    assertThat(flags(connection(event, Direction.INBOUND, termination))).isEqualTo(inbound);
  }

  @Test
  void whyAnAttemptFailedIsSaidWhereItIsKnown() {
    Connection c = connection(ConnectionEvent.FAILED, Direction.OUTBOUND, Termination.TIMEOUT);
    c.synRetransmits = 6;
    assertThat(flags(c)).isEqualTo("UF,URX");
    c = connection(ConnectionEvent.FAILED, Direction.OUTBOUND, Termination.UNREACHABLE);
    c.error = Errno.ENETUNREACH;
    assertThat(flags(c)).isEqualTo("UF,NR");
    c = connection(ConnectionEvent.FAILED, Direction.OUTBOUND, Termination.ABORTED);
    c.error = Errno.ECONNABORTED;
    assertThat(flags(c)).isEqualTo("UF");
  }

  @Test
  void openConnectionsHaveNone() {
    for (Termination termination : Termination.values()) {
      for (Direction direction : Direction.values()) {
        assertThat(flags(connection(ConnectionEvent.PERIODIC, direction, termination))).isEmpty();
        assertThat(flags(connection(ConnectionEvent.OPENED, direction, termination))).isEmpty();
      }
    }
  }
}
