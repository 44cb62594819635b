// SPDX-License-Identifier: Apache-2.0
package io.meshlens.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ValueTypeTest {
  private static final ValueType<Integer> INTEGER = ValueType.integer(-3, 1_000_000);
  private static final ValueType<Integer> SIZE = ValueType.powerOfTwoBytes(4096, 512 << 20);
  private static final ValueType<Duration> DURATION =
      ValueType.duration(Duration.ofSeconds(1), Duration.ofHours(1));

  @ParameterizedTest
  @CsvSource({"true, true", "false, false"})
  void wordsOfTruthAreRead(String text, boolean expected) {
    assertThat(ValueType.bool().parse(text)).contains(expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "True", "yes", "1", " true"})
  void otherWordsAreNoTruth(String text) {
    assertThat(ValueType.bool().parse(text)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"-3, -3", "0, 0", "1000000, 1000000", "007, 7"})
  void integersInRangeAreRead(String text, int expected) {
    assertThat(INTEGER.parse(text)).contains(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "-4",
        "1000001",
        "1.0",
        "1e3",
        "0x10",
        "+5",
        " 5",
        "4294967296",
        "99999999999999999999"
      })
  void otherTextIsNoIntegerInRange(String text) {
    assertThat(INTEGER.parse(text)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "4096, 4096",
    "4096B, 4096",
    "4KiB, 4096",
    "8 MiB, 8388608",
    "8MiB, 8388608",
    "512MiB, 536870912"
  })
  void sizesThatArePowersOfTwoAreRead(String text, int expected) {
    assertThat(SIZE.parse(text)).contains(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "4095",
        "5KiB",
        "3MiB",
        "2048",
        "1GiB",
        "4294967296GiB",
        "17179869184GiB",
        "999999999999GiB",
        "-8MiB",
        "8MB",
        "8mib",
        "8M",
        "1.5MiB",
        "MiB"
      })
  void otherTextIsNoSize(String text) {
    assertThat(SIZE.parse(text)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "1s, 1000",
    "1000ms, 1000",
    "1500ms, 1500",
    "10 s, 10000",
    "5m, 300000",
    "1h, 3600000",
    "60m, 3600000"
  })
  void durationsInRangeAreRead(String text, long millis) {
    assertThat(DURATION.parse(text)).contains(Duration.ofMillis(millis));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "10", "999ms", "61m", "2h", "-1s", "1.5s", "1S", "PT1S", "s", "1d"})
  void otherTextIsNoDurationInRange(String text) {
    assertThat(DURATION.parse(text)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "127.0.0.1:15020, 127.0.0.1, 15020",
    "collector:4317, collector, 4317",
    "'[::1]:15020', ::1, 15020",
    "localhost:0, localhost, 0",
    "a.b.c:65535, a.b.c, 65535"
  })
  void hostsWithPortsAreRead(String text, String host, int port) {
    assertThat(ValueType.hostAndPort().parse(text))
        .hasValueSatisfying(
            address -> {
              assertThat(address.getHost()).isEqualTo(host);
              assertThat(address.getPort()).isEqualTo(port);
            });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "collector", "collector:", ":15020", "::1", "::1:15020", "a:65536", "a:-1"})
  void otherTextIsNoHostWithPort(String text) {
    assertThat(ValueType.hostAndPort().parse(text)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"a b:1", "http://a:80", "a/b:1"})
  void hostThatNoResolverTakesIsNoHost(String text) {
    assertThat(ValueType.hostAndPort().parse(text)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://collector:4317",
        "https://c.example/v1/metrics",
        "http://[::1]:4318",
        "http://a"
      })
  void httpUrisAreRead(String text) {
    assertThat(ValueType.httpUri().parse(text)).contains(URI.create(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "collector:4317", "ftp://a", "http:///path", "http://", "http://a b", "://a"})
  void otherTextIsNoHttpUri(String text) {
    assertThat(ValueType.httpUri().parse(text)).isEmpty();
  }

  @Test
  void optionalIsEmptyForNoText() {
    assertThat(ValueType.optional(ValueType.integer(0, 9)).parse("")).contains(Optional.empty());
  }

  @Test
  void optionalIsTheValueOfAGoodText() {
    assertThat(ValueType.optional(ValueType.integer(0, 9)).parse("7")).contains(Optional.of(7));
  }

  @Test
  void optionalDoesNotTakeABadText() {
    assertThat(ValueType.optional(ValueType.integer(0, 9)).parse("x")).isEmpty();
  }

  @Test
  void constantIsFoundByItsLabel() {
    ValueType<TimeUnit> unit =
        ValueType.oneOf(TimeUnit.class, u -> u.name().toLowerCase(Locale.ROOT));

    assertThat(unit.parse("seconds")).contains(TimeUnit.SECONDS);
    assertThat(unit.parse("SECONDS")).isEmpty();
    assertThat(unit.expectation()).contains("seconds or minutes");
  }

  @Test
  void expectationNamesTheBounds() {
    assertThat(INTEGER.expectation()).contains("-3", "1000000");
    assertThat(SIZE.expectation()).contains("4KiB", "512MiB");
    assertThat(DURATION.expectation()).contains("1s", "1h");
  }
}
