// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static org.assertj.core.api.Assertions.assertThat;

import io.envoyproxy.envoy.data.accesslog.v3.ResponseFlags;
import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Errno;
import io.meshlens.flow.Termination;
import java.util.Arrays;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Flags as a server reads them, by their short names in Envoy's logs. */
final class AlsFlagsTest {
  private final AlsEntries entries = AlsEntries.of(new ConnectionIds("1f0c2a9b"));

  private String flags(
      ConnectionEvent event, Direction direction, Termination termination, int error) {
    Connection c = new Connection();
    c.event = event;
    c.direction = direction;
    c.termination = termination;
    c.error = error;
    return flags(c);
  }

  private String flags(Connection c) {
    ResponseFlags flags = entries.entry(c).getCommonProperties().getResponseFlags();
    TreeSet<String> names = new TreeSet<>();
    flags.getAllFields().keySet().forEach(field -> names.add(shortName(field.getName())));
    return names.isEmpty() ? "-" : String.join("+", names);
  }

  private static String shortName(String field) {
    return switch (field) {
      case "upstream_connection_failure" -> "UF";
      case "upstream_connection_termination" -> "UC";
      case "downstream_connection_termination" -> "DC";
      case "upstream_request_timeout" -> "UT";
      case "upstream_retry_limit_exceeded" -> "URX";
      case "no_route_found" -> "NR";
      default -> field;
    };
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        // termination | closed: outbound, inbound | failed: outbound, inbound
        "FIN_LOCAL    | -     | -  | UF    | UF",
        "FIN_REMOTE   | -     | -  | UF    | DC",
        "RESET_LOCAL  | DC    | UC | UF    | UF",
        "RESET_REMOTE | UC    | DC | UF    | DC",
        "TIMEOUT      | UC+UT | DC | UF    | DC",
        "REFUSED      | -     | -  | UF    | UF",
        "UNREACHABLE  | UC    | DC | UF    | DC",
        "ABORTED      | DC    | UC | DC+UF | UF",
        "UNKNOWN      | -     | -  | UF    | -",
        "CLOSED       | -     | -  | UF    | -",
        "IDLE         | -     | -  | UF    | -",
        "NONE         | -     | -  | UF    | -",
      })
  void everyEndHasTheFlagsThatItProves(
      Termination end, String closedOut, String closedIn, String failedOut, String failedIn) {
    assertThat(flags(ConnectionEvent.CLOSED, Direction.OUTBOUND, end, 0)).isEqualTo(closedOut);
    assertThat(flags(ConnectionEvent.CLOSED, Direction.INBOUND, end, 0)).isEqualTo(closedIn);
    assertThat(flags(ConnectionEvent.FAILED, Direction.OUTBOUND, end, 0)).isEqualTo(failedOut);
    assertThat(flags(ConnectionEvent.FAILED, Direction.INBOUND, end, 0)).isEqualTo(failedIn);
  }

  @Test
  void theTableAboveHasEveryTermination() {
    assertThat(Arrays.stream(Termination.values()).map(Enum::name))
        .containsExactlyInAnyOrder(
            "CLOSED",
            "IDLE",
            "FIN_LOCAL",
            "FIN_REMOTE",
            "RESET_LOCAL",
            "RESET_REMOTE",
            "TIMEOUT",
            "REFUSED",
            "UNREACHABLE",
            "ABORTED",
            "UNKNOWN",
            "NONE");
  }

  @ParameterizedTest
  @EnumSource
  void openConnectionHasNoFlag(Direction direction) {
    assertThat(flags(ConnectionEvent.OPENED, direction, Termination.NONE, 0)).isEqualTo("-");
    assertThat(flags(ConnectionEvent.PERIODIC, direction, Termination.NONE, 0)).isEqualTo("-");
  }

  @Test
  void repeatedSynThatTimesOutReachedTheLimitOfRetries() {
    Connection c = new Connection();
    c.event = ConnectionEvent.FAILED;
    c.termination = Termination.TIMEOUT;
    c.error = Errno.ETIMEDOUT;
    c.synRetransmits = 6;

    assertThat(flags(c)).isEqualTo("UF+URX");
  }

  @Test
  void onlyAnUnreachableNetworkIsAMissingRoute() {
    ConnectionEvent failed = ConnectionEvent.FAILED;

    assertThat(flags(failed, Direction.OUTBOUND, Termination.UNREACHABLE, Errno.ENETUNREACH))
        .isEqualTo("NR+UF");
    assertThat(flags(failed, Direction.OUTBOUND, Termination.UNREACHABLE, Errno.EHOSTUNREACH))
        .isEqualTo("UF");
  }

  @Test
  void attemptThatTheKernelAbortedWasNotGivenUpByTheClient() {
    assertThat(
            flags(
                ConnectionEvent.FAILED,
                Direction.OUTBOUND,
                Termination.ABORTED,
                Errno.ECONNABORTED))
        .isEqualTo("UF");
  }
}
