// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class AlsAddressTest {
  @ParameterizedTest
  @CsvSource({
    "collector:9001, dns:///collector:9001",
    "127.0.0.1:9001, dns:///127.0.0.1:9001",
    "[::1]:9001, dns:///[::1]:9001",
    "oap.skywalking.svc.cluster.local:11800, dns:///oap.skywalking.svc.cluster.local:11800",
    "unix:/run/als.sock, unix:/run/als.sock",
    "unix:///run/als.sock, unix:/run/als.sock"
  })
  void addressIsWhatGrpcConnectsTo(String text, String target) {
    assertThat(AlsAddress.problems(text)).isEmpty();
    assertThat(AlsAddress.of(text).target()).isEqualTo(target);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "collector             | has no port; expected HOST:PORT",
        "collector:0           | has no port; expected HOST:PORT",
        "collector:70000       | is no address; expected HOST:PORT",
        "collector:grpc        | is no address; expected HOST:PORT",
        "::1:9001              | is an IPv6 address without brackets; expected [HOST]:PORT",
        "[::1]                 | has no port",
        "[collector]:9001      | no",
        "http://collector:9001 | is a URL; expected HOST:PORT",
        "col lector:9001       | has no valid host",
        ":9001                 | has no valid host",
        "unix:run/als.sock     | has no absolute path; expected one such as unix:/run/als.sock",
        "unix://run/als.sock   | has no absolute path",
        "unix:                 | has no absolute path",
        "unix:/                | has no absolute path",
      })
  void whatIsWrongIsSaidWithAnExample(String text, String problem) {
    assertThat(AlsAddress.problems(text))
        .singleElement()
        .satisfies(p -> assertThat(p).startsWith("\"" + text + "\" ").contains(problem));
  }

  @Test
  void pathThatNoSocketCanHaveIsRefused() {
    assertThat(AlsAddress.problems("unix:/" + "a".repeat(106))).isEmpty();
    assertThat(AlsAddress.problems("unix:/" + "a".repeat(107)))
        .singleElement()
        .satisfies(
            p ->
                assertThat(p).endsWith("has a path of 108 bytes; a unix socket's has at most 107"));
  }
}
