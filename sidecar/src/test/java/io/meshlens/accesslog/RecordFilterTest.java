// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshlens.accesslog.RecordFilter.EvaluationFailed;
import io.meshlens.flow.Connection;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

final class RecordFilterTest {
  private static final ConnectionIds IDS = new ConnectionIds("1f0c2a9b");

  private static boolean accepts(String expression, Connection c) throws EvaluationFailed {
    assertThat(RecordFilter.problems(expression)).isEmpty();
    return RecordFilter.of(expression, IDS).accepts(c);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "event == 'closed' && direction == 'outbound'",
        "destination.port == 443 && source.port == 40001",
        "source.address == '10.1.2.3' && destination.address.startsWith('2001:db8:')",
        "destination.original_address == '10.96.0.1' && destination.original_port == 80",
        "connection.bytes_sent == 119 && connection.bytes_received > 4294967295",
        "bytes == 4294967311 + 119",
        "connection.duration > duration('2s') && connection.duration < duration('2001ms')",
        "connection.connect_duration < duration('1ms')",
        "connection.start_time < timestamp('2026-11-21T00:45:52Z')",
        "connection.rtt_us > 200 && connection.min_rtt_us <= 53",
        "connection.id == '1f0c2a9b-4d2.3'",
        "process.comm in ['curl', 'wget'] && process.pid == 4711",
        "process.comm.matches('^c.r')",
        "source.workload == 'sleep' && destination.service_host.endsWith('.cluster.local')",
        "has(destination.namespace) && destination.namespace == 'prod'",
        "!has(connection.error) && !has(source.cluster) && !has(source.original_port)",
        "size(response_flags) == 0 && !('UF' in response_flags)",
        "connection.retransmits * 10 > connection.packets_sent",
      })
  void expressionOverWhatTheSampleHasIsTrue(String expression) throws EvaluationFailed {
    assertThat(accepts(expression, LineStyleTest.identified())).isTrue();
    assertThat(accepts("!(" + expression + ")", LineStyleTest.identified())).isFalse();
  }

  @Test
  void failureHasItsErrorAndItsFlag() throws EvaluationFailed {
    assertThat(
            accepts(
                "event == 'failed' && connection.error == 'ECONNREFUSED' && 'UF' in response_flags",
                Samples.failed()))
        .isTrue();
  }

  @Test
  void theSameFilterSeesEachRecordAnew() throws EvaluationFailed {
    RecordFilter filter = RecordFilter.of("event == 'failed'", IDS);
    assertThat(filter.accepts(Samples.failed())).isTrue();
    assertThat(filter.accepts(Samples.full())).isFalse();
    assertThat(filter.accepts(Samples.failed())).isTrue();
  }

  static java.util.List<RecordField> fields() {
    return new RecordFields(IDS)
        .byGroup().values().stream().flatMap(group -> group.values().stream()).toList();
  }

  @ParameterizedTest
  @MethodSource("fields")
  void everyFieldCanBeAskedForAndIsOfItsType(RecordField field) throws EvaluationFailed {
    String isOfItsType =
        switch (field.kind()) {
          case INT -> "type(%s) == int";
          case TEXT -> "type(%s) == string";
          case DURATION -> "%s > duration('0s')";
          case TIME -> "%s > timestamp('2000-01-01T00:00:00Z')";
        };
    Connection c = LineStyleTest.identified();
    assertThat(
            accepts(
                ("!has(%1$s) || " + isOfItsType.replace("%s", "%1$s")).formatted(field.fullName()),
                c))
        .isTrue();
    assertThat(accepts("has(%s)".formatted(field.fullName()), c))
        .isEqualTo(field.value().apply(c).isPresent());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "source.workload == 'a'",
        "connection.error == 'ECONNREFUSED'",
        "connection.packets_sent / connection.retransmits > 1",
      })
  void whatHasNoValueFailsToEvaluate(String expression) {
    assertThatThrownBy(() -> accepts(expression, Samples.minimal()))
        .isInstanceOf(EvaluationFailed.class);
  }

  @Test
  void theOtherSideOfAnOrDecidesWhenOneHasNoValue() throws EvaluationFailed {
    assertThat(accepts("source.workload == 'a' || event == 'closed'", Samples.minimal())).isTrue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "destination.prt == 80 | line 1, character 12: undefined field 'prt'; destination has address, port, workload",
        "evnt == 'x' | line 1, character 1: undeclared reference to 'evnt'; there are bytes, direction, event, response_flags, connection.*, source.*",
        "destination.port == 'a' | line 1, character 18: found no matching overload",
        "destination.port + | line 1, character 19: mismatched input",
        "destination.port | line 1, character 12: expected type 'bool' but found 'int'",
        "connection.duration > duration('1x') | line 1, character 32: duration validation failed",
        "process.comm.matches('a(') | no regular expression (RE2): \"a(\": missing closing )",
        "process.comm.matches('(a)\\\\1') | no regular expression (RE2)",
        "[1, 2].exists(x, x == bytes) | line 1, character 14: undeclared reference to 'exists'",
      })
  void problemsHavePositionsAndTheNamesThatThereAre(String expression, String problem) {
    assertThat(RecordFilter.problems(expression)).isNotEmpty();
    assertThat(RecordFilter.problems(expression).getFirst()).startsWith(problem);
  }

  @Test
  void allProblemsOfAnExpressionAreSaidAtOnce() {
    assertThat(RecordFilter.problems("source.a == 1 || destination.b == 2 || c")).hasSize(3);
  }

  @Test
  void endlessOrDeepExpressionsAreRefused() {
    assertThat(RecordFilter.problems("bytes > 1 && ".repeat(500) + "true")).isNotEmpty();
    assertThat(RecordFilter.problems("(".repeat(500) + "true" + ")".repeat(500))).isNotEmpty();
    assertThat(RecordFilter.problems("!".repeat(2_000) + "true")).isNotNull();
  }
}
