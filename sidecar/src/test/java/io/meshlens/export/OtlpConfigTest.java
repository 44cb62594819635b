// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.export.OtlpConfig.Compression;
import io.meshlens.export.OtlpConfig.Header;
import io.meshlens.export.OtlpConfig.Histograms;
import io.meshlens.export.OtlpConfig.Protocol;
import io.meshlens.export.OtlpConfig.Temporality;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class OtlpConfigTest {
  private static OtlpConfig config(Protocol protocol, URI endpoint, Duration timeout) {
    return new OtlpConfig(
        endpoint,
        protocol,
        Duration.ofSeconds(10),
        Duration.ofSeconds(10),
        timeout,
        Compression.NONE,
        List.of(new Header("authorization", "Bearer secret")),
        TlsFiles.NONE,
        Temporality.CUMULATIVE,
        Histograms.EXPONENTIAL);
  }

  @ParameterizedTest
  @CsvSource({
    "GRPC, http://collector:4317, http://collector:4317",
    "GRPC, https://collector:4317/, https://collector:4317/",
    "HTTP_PROTOBUF, http://collector:4318, http://collector:4318/v1/metrics",
    "HTTP_PROTOBUF, http://collector:4318/, http://collector:4318/",
    "HTTP_PROTOBUF, 'http://[::1]:4318', 'http://[::1]:4318/v1/metrics'",
    "HTTP_PROTOBUF, https://c.example/otlp/v1/metrics, https://c.example/otlp/v1/metrics"
  })
  void signalPathIsAddedOnlyToAnHttpEndpointWithoutAny(
      Protocol protocol, URI endpoint, URI expected) {
    assertThat(config(protocol, endpoint, Duration.ofSeconds(10)).metricsUrl()).isEqualTo(expected);
  }

  @Test
  void pushEndsBeforeTheNextIsDue() {
    URI endpoint = URI.create("http://c:4317");

    assertThat(config(Protocol.GRPC, endpoint, Duration.ofSeconds(30)).budget())
        .isEqualTo(Duration.ofSeconds(10));
    assertThat(config(Protocol.GRPC, endpoint, Duration.ofSeconds(3)).budget())
        .isEqualTo(Duration.ofSeconds(3));
  }

  @Test
  void nothingSecretIsShown() {
    OtlpConfig config =
        config(Protocol.GRPC, URI.create("https://me:password@c:1/p?token=x"), Duration.ZERO);

    assertThat(config.target()).isEqualTo("https://c:1");
    assertThat(config.headers().toString()).isEqualTo("[authorization: ***]");
  }
}
