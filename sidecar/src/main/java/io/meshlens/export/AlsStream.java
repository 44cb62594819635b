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
import org.jspecify.annotations.Nullable;

/**
 * One StreamAccessLogs call. Callbacks come on gRPC's threads and only note what happened; all else
 * is owned by export-als.
 */
final class AlsStream implements ClientResponseObserver<byte[], StreamAccessLogsResponse> {
  private static final MethodDescriptor<byte[], StreamAccessLogsResponse> METHOD =
      RawMessages.of(AccessLogServiceGrpc.getStreamAccessLogsMethod());

  private final Object changed;
  private final ClientCallStreamObserver<byte[]> requests;

  /** Guarded by changed: how the call ended. */
  private @Nullable Status ended;

  /** Guarded by changed: whether the server was told that nothing more will come. */
  private boolean finished;

  /**
   * Begins the call.
   *
   * @param changed its waiters are notified of whatever happens; guards what is noted
   */
  AlsStream(Channel channel, Object changed) {
    this.changed = changed;
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
    synchronized (changed) {
      if (ended == null) {
        boolean early = status.isOk() && !finished;
        ended = early ? Status.UNKNOWN.withDescription("ended before all was sent") : status;
      }
      changed.notifyAll();
    }
  }

  private void wake() {
    synchronized (changed) {
      changed.notifyAll();
    }
  }

  /** Whether a message can be sent without piling up in memory. */
  boolean isReady() {
    return requests.isReady();
  }

  void send(byte[] message) {
    requests.onNext(message);
  }

  /** Says that nothing more will come: the server's answer confirms that it read all messages. */
  void finish() {
    synchronized (changed) {
      finished = true;
    }
    requests.onCompleted();
  }

  /** How the call ended; an end before {@link #finish} confirms nothing, even a friendly one. */
  @Nullable Status ended() {
    synchronized (changed) {
      return ended;
    }
  }

  /** Ends the call whatever its state. */
  void cancel() {
    requests.cancel("stream given up", null);
  }
}
