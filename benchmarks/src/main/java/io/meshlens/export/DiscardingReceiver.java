// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import com.sun.net.httpserver.HttpServer;
import io.envoyproxy.envoy.service.accesslog.v3.AccessLogServiceGrpc;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Server;
import io.grpc.ServerCallHandler;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;

/**
 * Takes OTLP by HTTP and gRPC, and access logs of Envoy's service, on loopback in a process of its
 * own, and looks at nothing.
 */
final class DiscardingReceiver {
  private DiscardingReceiver() {}

  private static final class Bytes implements MethodDescriptor.Marshaller<Long> {
    @Override
    public InputStream stream(Long value) {
      return new ByteArrayInputStream(new byte[0]);
    }

    @Override
    public Long parse(InputStream stream) {
      try {
        return stream.transferTo(OutputStream.nullOutputStream());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static ServerServiceDefinition service(
      String name, String method, MethodType type, ServerCallHandler<Long, Long> handler) {
    return ServerServiceDefinition.builder(name)
        .addMethod(
            MethodDescriptor.<Long, Long>newBuilder()
                .setType(type)
                .setFullMethodName(name + "/" + method)
                .setRequestMarshaller(new Bytes())
                .setResponseMarshaller(new Bytes())
                .build(),
            handler)
        .build();
  }

  private static ServerServiceDefinition otlp(String signal, String service) {
    return service(
        "opentelemetry.proto.collector." + signal + ".v1." + service,
        "Export",
        MethodType.UNARY,
        ServerCalls.asyncUnaryCall(
            (size, answer) -> {
              answer.onNext(size);
              answer.onCompleted();
            }));
  }

  private static StreamObserver<Long> stream(StreamObserver<Long> answer) {
    return new StreamObserver<>() {
      @Override
      public void onNext(Long size) {}

      @Override
      public void onError(Throwable cause) {}

      @Override
      public void onCompleted() {
        answer.onNext(0L);
        answer.onCompleted();
      }
    };
  }

  /** Prints both ports, and serves until its input ends. */
  public static void main(String[] arguments) throws Exception {
    HttpServer http =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
    http.setExecutor(Executors.newFixedThreadPool(2));
    http.createContext(
        "/",
        exchange -> {
          exchange.getRequestBody().transferTo(OutputStream.nullOutputStream());
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    http.start();
    Server grpc =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .maxInboundMessageSize(16 << 20)
            .addService(otlp("metrics", "MetricsService"))
            .addService(otlp("logs", "LogsService"))
            .addService(
                service(
                    AccessLogServiceGrpc.SERVICE_NAME,
                    "StreamAccessLogs",
                    MethodType.CLIENT_STREAMING,
                    ServerCalls.asyncClientStreamingCall(DiscardingReceiver::stream)))
            .build()
            .start();
    System.out.println(http.getAddress().getPort() + " " + grpc.getPort());
    System.in.transferTo(OutputStream.nullOutputStream());
    http.stop(0);
    grpc.shutdownNow();
    System.exit(0);
  }
}
