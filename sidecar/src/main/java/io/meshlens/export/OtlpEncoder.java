// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.opentelemetry.common.ComponentLoader;
import io.opentelemetry.exporter.otlp.http.metrics.OtlpHttpMetricExporter;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.common.export.HttpResponse;
import io.opentelemetry.sdk.common.export.HttpSender;
import io.opentelemetry.sdk.common.export.HttpSenderProvider;
import io.opentelemetry.sdk.common.export.MemoryMode;
import io.opentelemetry.sdk.common.export.MessageWriter;
import io.opentelemetry.sdk.metrics.data.MetricData;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Collection;
import java.util.List;
import java.util.function.Consumer;

/**
 * Metrics as an ExportMetricsServiceRequest, which is the same on both transports. The library's
 * exporter encodes; its sender, which is an interface, keeps the bytes instead of sending them.
 * Owned by: export-otlp.
 */
final class OtlpEncoder implements AutoCloseable {
  private final KeptBytes kept = new KeptBytes();
  private final OtlpHttpMetricExporter exporter =
      OtlpHttpMetricExporter.builder()
          .setMemoryMode(MemoryMode.REUSABLE_DATA)
          .setComponentLoader(new OneSender(kept))
          .build();

  byte[] encode(Collection<MetricData> metrics) {
    exporter.export(metrics);
    return kept.bytes;
  }

  @Override
  public void close() {
    exporter.close();
  }

  private record OneSender(HttpSender sender) implements ComponentLoader {
    @Override
    public <T> Iterable<T> load(Class<T> type) {
      HttpSenderProvider provider = config -> sender;
      return type.isInstance(provider) ? List.of(type.cast(provider)) : List.of();
    }
  }

  /** The success that the exporter sees is that of encoding. */
  private record Encoded() implements HttpResponse {
    @Override
    public int getStatusCode() {
      return 200;
    }

    @Override
    public String getStatusMessage() {
      return "OK";
    }

    @Override
    public byte[] getResponseBody() {
      return new byte[0];
    }
  }

  private static final class KeptBytes implements HttpSender {
    private byte[] bytes = {};

    @Override
    public void send(
        MessageWriter message, Consumer<HttpResponse> onResponse, Consumer<Throwable> onError) {
      ByteArrayOutputStream out =
          new ByteArrayOutputStream(Math.max(64, message.getContentLength()));
      try {
        message.writeMessage(out);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      bytes = out.toByteArray();
      onResponse.accept(new Encoded());
    }

    @Override
    public CompletableResultCode shutdown() {
      return CompletableResultCode.ofSuccess();
    }
  }
}
