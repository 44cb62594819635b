// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import com.sun.net.httpserver.HttpServer;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCalls;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;

/** Takes OTLP by HTTP and gRPC on loopback, in a process of its own, and looks at nothing. */
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
    MethodDescriptor<Long, Long> export =
        MethodDescriptor.<Long, Long>newBuilder()
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("opentelemetry.proto.collector.metrics.v1.MetricsService/Export")
            .setRequestMarshaller(new Bytes())
            .setResponseMarshaller(new Bytes())
            .build();
    Server grpc =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(
                ServerServiceDefinition.builder(
                        "opentelemetry.proto.collector.metrics.v1.MetricsService")
                    .addMethod(
                        export,
                        ServerCalls.asyncUnaryCall(
                            (size, answer) -> {
                              answer.onNext(size);
                              answer.onCompleted();
                            }))
                    .build())
            .build()
            .start();
    System.out.println(http.getAddress().getPort() + " " + grpc.getPort());
    System.in.transferTo(OutputStream.nullOutputStream());
    http.stop(0);
    grpc.shutdownNow();
    System.exit(0);
  }
}
