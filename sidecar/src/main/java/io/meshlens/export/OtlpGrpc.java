// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.protobuf.InvalidProtocolBufferException;
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
import io.meshlens.export.Answer.Cause;
import io.meshlens.export.OtlpReceiver.Compression;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;

/** OTLP as a unary call of gRPC. */
final class OtlpGrpc implements OtlpTransport {
  private final OtlpReceiver receiver;
  private final MethodDescriptor<byte[], byte[]> export;
  private final ManagedChannel channel;
  private volatile @Nullable ListenableFuture<byte[]> current;

  OtlpGrpc(OtlpReceiver receiver, OtlpSignal signal, TlsFiles.Loaded tls) {
    this.receiver = receiver;
    this.export = RawMessages.unary(signal.method());
    Metadata headers = new Metadata();
    receiver
        .headers()
        .forEach(
            header ->
                headers.put(
                    Metadata.Key.of(header.name(), Metadata.ASCII_STRING_MARSHALLER),
                    header.value()));
    channel =
        Grpc.newChannelBuilderForAddress(
                receiver.endpoint().getHost(), receiver.port(), credentials(receiver, tls))
            .intercept(MetadataUtils.newAttachHeadersInterceptor(headers))
            .maxInboundMessageSize(MAX_ANSWER_BYTES)
            .userAgent("meshlens")
            // Of a call there is nothing to do but to note its answer: not worth another thread.
            .directExecutor()
            .disableRetry()
            .build();
  }

  private static ChannelCredentials credentials(OtlpReceiver receiver, TlsFiles.Loaded tls) {
    if (!receiver.isTls()) {
      return InsecureChannelCredentials.create();
    }
    TlsChannelCredentials.Builder builder = TlsChannelCredentials.newBuilder();
    tls.trust().ifPresent(trust -> builder.trustManager(trust.toArray(new TrustManager[0])));
    tls.keys().ifPresent(keys -> builder.keyManager(keys.toArray(new KeyManager[0])));
    return builder.build();
  }

  @Override
  public Answer send(byte[] request, Duration timeout) throws InterruptedException {
    CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(timeout);
    if (receiver.compression() == Compression.GZIP) {
      options = options.withCompression("gzip");
    }
    // After a failure the channel waits, up to two minutes; the wait between attempts is ours.
    channel.resetConnectBackoff();
    ListenableFuture<byte[]> future =
        ClientCalls.futureUnaryCall(channel.newCall(export, options), request);
    current = future;
    try {
      return accepted(future.get());
    } catch (ExecutionException e) {
      return e.getCause() instanceof StatusRuntimeException status
          ? failed(status, timeout)
          : new Answer.Failed(Cause.REFUSED, Causes.text(e.getCause()));
    } catch (CancellationException e) {
      return new Answer.Failed(Cause.TIMEOUT, "given up, because the program ends");
    } finally {
      future.cancel(true);
      current = null;
    }
  }

  private static Answer accepted(byte[] response) {
    try {
      return PartialSuccess.parse(response);
    } catch (IOException e) {
      return new Answer.Failed(
          Cause.GARBAGE,
          response.length + " bytes, which are no answer of an OTLP receiver: " + e.getMessage());
    }
  }

  private static Answer failed(StatusRuntimeException failure, Duration timeout) {
    Status status = failure.getStatus();
    Throwable cause = status.getCause();
    String words = status.getDescription();
    String message =
        "gRPC status "
            + status.getCode()
            + (words == null ? "" : ": " + Causes.printable(words, 300))
            + (cause == null ? "" : ": " + Causes.text(cause));
    if (Causes.has(cause, SSLException.class)) {
      return new Answer.Failed(Cause.TLS, message);
    }
    return switch (status.getCode()) {
      case DEADLINE_EXCEEDED ->
          new Answer.Failed(Cause.TIMEOUT, "no answer in " + timeout.toMillis() + " ms");
      // With a cause, it is our side that could not reach the other.
      case UNAVAILABLE ->
          cause == null
              ? new Answer.Failed(Cause.UNAVAILABLE, message, retryDelay(failure))
              : new Answer.Failed(Cause.UNREACHABLE, message);
      case CANCELLED, ABORTED, OUT_OF_RANGE, DATA_LOSS ->
          new Answer.Failed(Cause.UNAVAILABLE, message, retryDelay(failure));
      // To be sent again only if the receiver says when; else it means: never so much at once.
      case RESOURCE_EXHAUSTED -> {
        Optional<Duration> delay = retryDelay(failure);
        yield new Answer.Failed(
            delay.isPresent() ? Cause.UNAVAILABLE : Cause.REFUSED, message, delay);
      }
      case INVALID_ARGUMENT -> new Answer.Failed(Cause.INVALID, message);
      default -> new Answer.Failed(Cause.REFUSED, message, retryDelay(failure));
    };
  }

  private static Optional<Duration> retryDelay(StatusRuntimeException failure) {
    try {
      com.google.rpc.Status status = StatusProto.fromThrowable(failure);
      if (status == null) {
        return Optional.empty();
      }
      for (com.google.protobuf.Any detail : status.getDetailsList()) {
        if (detail.is(RetryInfo.class)) {
          com.google.protobuf.Duration delay = detail.unpack(RetryInfo.class).getRetryDelay();
          return Optional.of(
              Duration.ofSeconds(Math.max(0, delay.getSeconds()), Math.max(0, delay.getNanos())));
        }
      }
      return Optional.empty();
    } catch (InvalidProtocolBufferException | RuntimeException e) {
      return Optional.empty();
    }
  }

  @Override
  public void cancel() {
    ListenableFuture<byte[]> future = current;
    if (future != null) {
      future.cancel(true);
    }
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
