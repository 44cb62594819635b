// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.export.OtlpConfig.Histograms;
import io.meshlens.export.OtlpConfig.Temporality;
import io.meshlens.export.OtlpReceiver.Compression;
import io.meshlens.export.OtlpReceiver.Header;
import io.meshlens.export.OtlpReceiver.Protocol;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class OtlpReceiverTest {
  private static OtlpReceiver receiver(Protocol protocol, URI endpoint) {
    return new OtlpReceiver(
        endpoint,
        protocol,
        Duration.ofSeconds(10),
        Compression.NONE,
        List.of(new Header("authorization", "Bearer secret")),
        TlsFiles.NONE);
  }

  @ParameterizedTest
  @CsvSource({
    "GRPC, METRICS, http://collector:4317, http://collector:4317",
    "GRPC, LOGS, https://collector:4317/, https://collector:4317/",
    "HTTP_PROTOBUF, METRICS, http://collector:4318, http://collector:4318/v1/metrics",
    "HTTP_PROTOBUF, LOGS, http://collector:4318, http://collector:4318/v1/logs",
    "HTTP_PROTOBUF, METRICS, http://collector:4318/, http://collector:4318/",
    "HTTP_PROTOBUF, LOGS, http://collector:4318/, http://collector:4318/",
    "HTTP_PROTOBUF, METRICS, 'http://[::1]:4318', 'http://[::1]:4318/v1/metrics'",
    "HTTP_PROTOBUF, LOGS, https://c.example/otlp/logs, https://c.example/otlp/logs"
  })
  void signalPathIsAddedOnlyToAnHttpEndpointWithoutAny(
      Protocol protocol, OtlpSignal signal, URI endpoint, URI expected) {
    assertThat(receiver(protocol, endpoint).url(signal)).isEqualTo(expected);
  }

  @Test
  void pushEndsBeforeTheNextIsDue() {
    OtlpReceiver receiver = receiver(Protocol.GRPC, URI.create("http://c:4317"));

    assertThat(budget(receiver, Duration.ofSeconds(30))).isEqualTo(Duration.ofSeconds(10));
    assertThat(budget(receiver, Duration.ofSeconds(3))).isEqualTo(Duration.ofSeconds(3));
  }

  private static Duration budget(OtlpReceiver receiver, Duration exportTimeout) {
    return new OtlpConfig(
            receiver,
            Duration.ofSeconds(10),
            exportTimeout,
            Temporality.CUMULATIVE,
            Histograms.EXPONENTIAL)
        .budget();
  }

  @Test
  void nothingSecretIsShown() {
    OtlpReceiver receiver =
        receiver(Protocol.GRPC, URI.create("https://me:password@c:1/p?token=x"));

    assertThat(receiver.target()).isEqualTo("https://c:1");
    assertThat(receiver.headers().toString()).isEqualTo("[authorization: ***]");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Host",
        "content-length",
        "Connection",
        "Content-Type",
        "grpc-timeout",
        "token-bin",
        "x!y",
        "a b",
        ""
      })
  void headerThatATransportWouldRefuseIsAProblemWithoutItsValue(String name) {
    assertThat(new Header(name, "s3cr3t").problems())
        .hasSize(1)
        .noneMatch(problem -> problem.contains("s3cr3t"));
  }

  @Test
  void headerOfATokenIsNone() {
    assertThat(new Header("Authorization", "Bearer x;y=").problems()).isEmpty();
    assertThat(new Header("x-token", "s\u00e9cret").problems())
        .containsExactly("x-token: a header's value has visible ASCII characters only");
  }
}
