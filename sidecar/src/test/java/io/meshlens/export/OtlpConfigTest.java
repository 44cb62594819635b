// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.export.OtlpConfig.Protocol;
import java.net.URI;
import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class OtlpConfigTest {
  @ParameterizedTest
  @CsvSource({
    "GRPC, http://collector:4317, http://collector:4317",
    "GRPC, https://collector:4317/, https://collector:4317/",
    "HTTP_PROTOBUF, http://collector:4318, http://collector:4318/v1/metrics",
    "HTTP_PROTOBUF, http://collector:4318/, http://collector:4318/v1/metrics",
    "HTTP_PROTOBUF, 'http://[::1]:4318', 'http://[::1]:4318/v1/metrics'",
    "HTTP_PROTOBUF, https://c.example/otlp/v1/metrics, https://c.example/otlp/v1/metrics"
  })
  void signalPathIsAddedOnlyToABareHttpEndpoint(Protocol protocol, URI endpoint, String expected) {
    assertThat(new OtlpConfig(endpoint, protocol, Duration.ofSeconds(10)).metricsUrl())
        .isEqualTo(expected);
  }
}
