// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.envoyproxy.envoy.service.accesslog.v3.AccessLogServiceGrpc;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsResponse;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ClientResponseObserver;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One StreamAccessLogs call with blocking, bounded waits. Callbacks come on gRPC's threads and only
 * note what happened; all else is owned by export-als.
 */
final class AlsStream implements ClientResponseObserver<byte[], StreamAccessLogsResponse> {
  private static final MethodDescriptor<byte[], StreamAccessLogsResponse> METHOD =
      RawMessages.of(AccessLogServiceGrpc.getStreamAccessLogsMethod());

  private final Object lock = new Object();
  private final LongSupplier monoNs;
  private final ClientCallStreamObserver<byte[]> requests;

  /** Guarded by lock: how the call ended. */
  private @Nullable Status ended;

  AlsStream(Channel channel, LongSupplier monoNs) {
    this.monoNs = monoNs;
    requests =
        (ClientCallStreamObserver<byte[]>)
            ClientCalls.asyncClientStreamingCall(
                channel.newCall(METHOD, CallOptions.DEFAULT), this);
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<byte[]> stream) {
    stream.setOnReadyHandler(this::wake);
  }

  @Override
  public void onNext(StreamAccessLogsResponse response) {
    // The protocol has the server say nothing until the end.
  }

  @Override
  public void onError(Throwable cause) {
    end(Status.fromThrowable(cause));
  }

  @Override
  public void onCompleted() {
    end(Status.OK);
  }

  private void end(Status status) {
    synchronized (lock) {
      if (ended == null) {
        ended = status;
      }
      lock.notifyAll();
    }
  }

  private void wake() {
    synchronized (lock) {
      lock.notifyAll();
    }
  }

  /** Waits until a message can be sent without piling up in memory; false when it cannot. */
  boolean awaitReady(Duration timeout) throws InterruptedException {
    long deadlineMillis = millis() + timeout.toMillis();
    synchronized (lock) {
      while (ended == null && !requests.isReady()) {
        long left = deadlineMillis - millis();
        if (left <= 0) {
          return false;
        }
        lock.wait(left);
      }
      return ended == null;
    }
  }

  void send(byte[] message) {
    requests.onNext(message);
  }

  /**
   * Says that nothing more will come and waits for the server's answer, which confirms that it read
   * all messages.
   */
  boolean confirm(Duration timeout) throws InterruptedException {
    synchronized (lock) {
      if (ended != null) {
        // An end before ours confirms nothing, even a friendly one.
        return false;
      }
    }
    requests.onCompleted();
    long deadlineMillis = millis() + timeout.toMillis();
    synchronized (lock) {
      while (ended == null) {
        long left = deadlineMillis - millis();
        if (left <= 0) {
          return false;
        }
        lock.wait(left);
      }
      return ended.isOk();
    }
  }

  boolean isEnded() {
    synchronized (lock) {
      return ended != null;
    }
  }

  /** How the stream ended, or that it did not in time. */
  Status status() {
    synchronized (lock) {
      if (ended == null) {
        return Status.DEADLINE_EXCEEDED.withDescription("no answer in time");
      }
      return ended.isOk() ? Status.UNKNOWN.withDescription("ended before all was sent") : ended;
    }
  }

  /** Ends the call whatever its state. */
  void cancel() {
    requests.cancel("stream given up", null);
  }

  private long millis() {
    return TimeUnit.NANOSECONDS.toMillis(monoNs.getAsLong());
  }
}
