// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.export.OtlpLogConfig.Compression;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.zip.GZIPOutputStream;

/** OTLP as an HTTP request with a protobuf body. */
final class OtlpLogHttp implements OtlpLogCall {
  private static final int BAD_REQUEST = 400;
  private static final int TOO_LARGE = 413;

  private final OtlpLogConfig config;
  private final HttpClient client;

  OtlpLogHttp(OtlpLogConfig config) throws IOException, GeneralSecurityException {
    this.config = config;
    HttpClient.Builder builder =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(config.timeout())
            .followRedirects(HttpClient.Redirect.NEVER);
    if (OtlpLogConfig.isTls(config.endpoint())) {
      builder.sslContext(config.tls().load().context());
    }
    client = builder.build();
  }

  @Override
  public Carrier.Outcome send(byte[] request) throws InterruptedException {
    HttpRequest.Builder post =
        HttpRequest.newBuilder(config.logsUrl())
            .timeout(config.timeout())
            .header("Content-Type", "application/x-protobuf")
            .header("User-Agent", "meshlens");
    config.headers().forEach(header -> post.setHeader(header.name(), header.value()));
    byte[] body = request;
    if (config.compression() == Compression.GZIP) {
      post.header("Content-Encoding", "gzip");
      body = gzip(request);
    }
    try {
      HttpResponse<byte[]> response =
          client.send(
              post.POST(HttpRequest.BodyPublishers.ofByteArray(body)).build(),
              HttpResponse.BodyHandlers.ofByteArray());
      return outcome(response);
    } catch (HttpTimeoutException e) {
      return new Carrier.Outcome.Failed(
          "no answer in " + config.timeout().toMillis() + " ms", Duration.ZERO);
    } catch (IOException e) {
      String words = e.getMessage();
      return new Carrier.Outcome.Failed(
          e.getClass().getSimpleName() + (words == null ? "" : ": " + words), Duration.ZERO);
    }
  }

  private static Carrier.Outcome outcome(HttpResponse<byte[]> response) {
    int status = response.statusCode();
    if (status == 200) {
      return OtlpLogCall.accepted(response.body());
    }
    return status == BAD_REQUEST || status == TOO_LARGE
        ? new Carrier.Outcome.Refused("HTTP status " + status)
        : new Carrier.Outcome.Failed("HTTP status " + status, retryAfter(response));
  }

  /** The header's seconds; a date there counts as nothing, because clocks differ. */
  private static Duration retryAfter(HttpResponse<?> response) {
    return response
        .headers()
        .firstValue("Retry-After")
        .filter(text -> text.matches("\\d{1,6}"))
        .map(text -> OtlpLogCall.bounded(Duration.ofSeconds(Long.parseLong(text))))
        .orElse(Duration.ZERO);
  }

  private static byte[] gzip(byte[] bytes) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.length / 4);
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  @Override
  public void close() {
    client.shutdownNow();
  }
}
