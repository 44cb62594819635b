// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.envoyproxy.envoy.service.accesslog.v3.AccessLogServiceGrpc;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsMessage;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsResponse;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerCredentials;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/** A real gRPC server with the access log service. */
final class AlsReceiver extends AccessLogServiceGrpc.AccessLogServiceImplBase
    implements ServerInterceptor, AutoCloseable {
  private final Server server;
  private final Optional<EventLoopGroup> loop;

  /** What came, in order. */
  final List<StreamAccessLogsMessage> messages = new CopyOnWriteArrayList<>();

  final List<Metadata> headers = new CopyOnWriteArrayList<>();
  final List<String> authorities = new CopyOnWriteArrayList<>();

  /** Ends every stream with it, unless OK. */
  volatile Status answer = Status.OK;

  private AlsReceiver(SocketAddress address, ServerCredentials credentials) throws IOException {
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(address, credentials).intercept(this).addService(this);
    if (address instanceof DomainSocketAddress) {
      EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
      loop = Optional.of(group);
      builder
          .channelType(EpollServerDomainSocketChannel.class)
          .bossEventLoopGroup(group)
          .workerEventLoopGroup(group);
    } else {
      loop = Optional.empty();
    }
    server = builder.build().start();
  }

  static AlsReceiver plain() throws IOException {
    return at(0, InsecureServerCredentials.create());
  }

  static AlsReceiver at(int port, ServerCredentials credentials) throws IOException {
    return new AlsReceiver(
        new InetSocketAddress(InetAddress.getLoopbackAddress(), port), credentials);
  }

  static AlsReceiver unix(Path path) throws IOException {
    return new AlsReceiver(
        new DomainSocketAddress(path.toFile()), InsecureServerCredentials.create());
  }

  int port() {
    return server.getPort();
  }

  AlsAddress address() {
    return AlsAddress.of("127.0.0.1:" + port());
  }

  long entries() {
    return messages.stream().mapToLong(m -> m.getTcpLogs().getLogEntryCount()).sum();
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata metadata, ServerCallHandler<Q, R> next) {
    headers.add(metadata);
    authorities.add(String.valueOf(call.getAuthority()));
    return next.startCall(call, metadata);
  }

  @Override
  public StreamObserver<StreamAccessLogsMessage> streamAccessLogs(
      StreamObserver<StreamAccessLogsResponse> response) {
    if (!answer.isOk()) {
      response.onError(answer.asException());
    }
    return new StreamObserver<>() {
      @Override
      public void onNext(StreamAccessLogsMessage message) {
        messages.add(message);
      }

      @Override
      public void onError(Throwable cause) {}

      @Override
      public void onCompleted() {
        if (answer.isOk()) {
          response.onNext(StreamAccessLogsResponse.getDefaultInstance());
          response.onCompleted();
        }
      }
    };
  }

  @Override
  public void close() throws InterruptedException {
    server.shutdownNow().awaitTermination();
    if (loop.isPresent()) {
      loop.get().shutdownGracefully(0, 1, TimeUnit.SECONDS).await(2, TimeUnit.SECONDS);
    }
  }
}
