// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.rpc.RetryInfo;
import io.grpc.CallOptions;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.meshlens.export.OtlpLogConfig.Compression;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceResponse;
import io.opentelemetry.proto.collector.logs.v1.LogsServiceGrpc;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManager;
import javax.net.ssl.TrustManager;

/** OTLP as a unary call of gRPC. */
final class OtlpLogGrpc implements OtlpLogCall {
  private static final MethodDescriptor<byte[], ExportLogsServiceResponse> EXPORT =
      RawMessages.of(LogsServiceGrpc.getExportMethod());

  private final OtlpLogConfig config;
  private final ManagedChannel channel;

  OtlpLogGrpc(OtlpLogConfig config) throws IOException, GeneralSecurityException {
    this.config = config;
    Metadata headers = new Metadata();
    config
        .headers()
        .forEach(
            header ->
                headers.put(
                    Metadata.Key.of(header.name(), Metadata.ASCII_STRING_MARSHALLER),
                    header.value()));
    channel =
        Grpc.newChannelBuilderForAddress(
                config.endpoint().getHost(), config.port(), credentials(config))
            .intercept(MetadataUtils.newAttachHeadersInterceptor(headers))
            .userAgent("meshlens")
            .disableRetry()
            .build();
  }

  private static ChannelCredentials credentials(OtlpLogConfig config)
      throws IOException, GeneralSecurityException {
    if (!OtlpLogConfig.isTls(config.endpoint())) {
      return InsecureChannelCredentials.create();
    }
    TlsFiles.Loaded files = config.tls().load();
    TlsChannelCredentials.Builder tls = TlsChannelCredentials.newBuilder();
    files.trust().ifPresent(trust -> tls.trustManager(trust.toArray(new TrustManager[0])));
    files.keys().ifPresent(keys -> tls.keyManager(keys.toArray(new KeyManager[0])));
    return tls.build();
  }

  @Override
  public Carrier.Outcome send(byte[] request) throws InterruptedException {
    CallOptions options =
        CallOptions.DEFAULT.withDeadlineAfter(config.timeout().toMillis(), TimeUnit.MILLISECONDS);
    if (config.compression() == Compression.GZIP) {
      options = options.withCompression("gzip");
    }
    // After a failure the channel waits, up to two minutes; the wait between attempts is ours.
    channel.resetConnectBackoff();
    ListenableFuture<ExportLogsServiceResponse> answer =
        ClientCalls.futureUnaryCall(channel.newCall(EXPORT, options), request);
    try {
      long rejected = answer.get().getPartialSuccess().getRejectedLogRecords();
      return new Carrier.Outcome.Delivered(Math.max(0, rejected));
    } catch (ExecutionException e) {
      return e.getCause() instanceof StatusRuntimeException failure
          ? failed(failure)
          : new Carrier.Outcome.Failed(String.valueOf(e.getCause()), Duration.ZERO);
    } finally {
      answer.cancel(true);
    }
  }

  /**
   * Only what the receiver calls invalid is given up. Other refusals, of a wrong token or a missing
   * service, are mistakes that somebody will correct, and until then records can wait.
   */
  private static Carrier.Outcome failed(StatusRuntimeException failure) {
    Status status = failure.getStatus();
    Throwable cause = status.getCause();
    String words =
        status.getCode()
            + (status.getDescription() == null ? "" : ": " + status.getDescription())
            + (cause == null || cause.getMessage() == null ? "" : ": " + cause.getMessage());
    return status.getCode() == Status.Code.INVALID_ARGUMENT
        ? new Carrier.Outcome.Refused(words)
        : new Carrier.Outcome.Failed(words, retryDelay(failure));
  }

  private static Duration retryDelay(StatusRuntimeException failure) {
    try {
      com.google.rpc.Status status = StatusProto.fromThrowable(failure);
      if (status != null) {
        for (com.google.protobuf.Any detail : status.getDetailsList()) {
          if (detail.is(RetryInfo.class)) {
            com.google.protobuf.Duration delay = detail.unpack(RetryInfo.class).getRetryDelay();
            return OtlpLogCall.bounded(Duration.ofSeconds(delay.getSeconds(), delay.getNanos()));
          }
        }
      }
    } catch (IOException | RuntimeException garbage) {
      // Then the receiver did not ask for anything.
    }
    return Duration.ZERO;
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
