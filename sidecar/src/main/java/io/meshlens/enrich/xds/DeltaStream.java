// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.xds;

import io.envoyproxy.envoy.service.discovery.v3.AggregatedDiscoveryServiceGrpc;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryRequest;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.protobuf.ProtoUtils;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One DeltaAggregatedResources call. gRPC's callbacks run on the thread that calls {@link #serve};
 * gRPC hands over one at a time, and the next response is asked for when the one before is done
 * with, so neither queue nor memory grows.
 */
final class DeltaStream extends ClientCall.Listener<InputStream> {
  /** Takes a response while it is being read. */
  interface Receiver {
    /**
     * Reads and uses a response.
     *
     * @return what it is answered; empty for nothing
     * @throws IOException when it cannot be read; the stream is given up
     */
    Optional<DeltaDiscoveryRequest> receive(InputStream response) throws IOException;
  }

  private static final MethodDescriptor<DeltaDiscoveryRequest, InputStream> METHOD =
      AggregatedDiscoveryServiceGrpc.getDeltaAggregatedResourcesMethod().toBuilder(
              ProtoUtils.marshaller(DeltaDiscoveryRequest.getDefaultInstance()), new Unread())
          .build();

  private static final long END_PATIENCE_MS = 500;

  /** Leaves reading to the receiver. */
  private static final class Unread implements MethodDescriptor.Marshaller<InputStream> {
    @Override
    public InputStream stream(InputStream value) {
      return value;
    }

    @Override
    public InputStream parse(InputStream stream) {
      return stream;
    }
  }

  private final BlockingQueue<Runnable> callbacks = new LinkedBlockingQueue<>();
  private final Receiver receiver;
  private final ClientCall<DeltaDiscoveryRequest, InputStream> call;
  private boolean answered;
  private boolean closed;
  private @Nullable Status ended;

  DeltaStream(Channel channel, Metadata headers, Receiver receiver) {
    this.receiver = receiver;
    call = channel.newCall(METHOD, CallOptions.DEFAULT.withExecutor(callbacks::add));
    call.start(this, headers);
    call.request(1);
  }

  void send(DeltaDiscoveryRequest request) {
    call.sendMessage(request);
  }

  /** Makes {@link #serve} look whether it is to end. Safe for any thread. */
  void wake() {
    callbacks.add(() -> {});
  }

  /** Whether a response has come. */
  boolean hasAnswered() {
    return answered;
  }

  /**
   * Runs callbacks until the stream is over.
   *
   * @param patience how long the first response may take
   * @return how it ended; empty when it was told to, or patience ran out before any response
   */
  Optional<Status> serve(Duration patience, LongSupplier monoNs, BooleanSupplier isEnding)
      throws InterruptedException {
    long deadlineNs = monoNs.getAsLong() + patience.toNanos();
    while (ended == null && !isEnding.getAsBoolean()) {
      if (answered) {
        callbacks.take().run();
        continue;
      }
      Runnable callback = callbacks.poll(deadlineNs - monoNs.getAsLong(), TimeUnit.NANOSECONDS);
      if (callback == null) {
        return Optional.empty();
      }
      callback.run();
    }
    return Optional.ofNullable(ended);
  }

  @Override
  public void onMessage(InputStream response) {
    if (ended != null) {
      return;
    }
    answered = true;
    try {
      receiver.receive(response).ifPresent(call::sendMessage);
      call.request(1);
    } catch (IOException e) {
      end(Status.DATA_LOSS.withDescription("a response cannot be read").withCause(e));
      call.cancel("a response cannot be read", e);
    }
  }

  @Override
  public void onClose(Status status, Metadata trailers) {
    closed = true;
    end(status);
  }

  private void end(Status status) {
    if (ended == null) {
      ended = status;
    }
  }

  /** Ends the call and runs what is left of it, which frees its buffers. */
  void close() throws InterruptedException {
    end(Status.CANCELLED);
    call.cancel("over", null);
    while (!closed) {
      Runnable callback = callbacks.poll(END_PATIENCE_MS, TimeUnit.MILLISECONDS);
      if (callback == null) {
        return;
      }
      callback.run();
    }
  }
}
