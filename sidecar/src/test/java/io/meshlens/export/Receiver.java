// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import com.google.common.base.Splitter;
import com.google.common.net.InetAddresses;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import io.grpc.BindableService;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerCredentials;
import io.grpc.ServerInterceptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.TlsServerCredentials;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.meshlens.export.OtlpConfig.Histograms;
import io.meshlens.export.OtlpConfig.Temporality;
import io.meshlens.export.OtlpReceiver.Compression;
import io.meshlens.export.OtlpReceiver.Header;
import io.meshlens.export.OtlpReceiver.Protocol;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.BiConsumer;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;

/** A server that answers exports as a test wants, over HTTP by the JDK or over gRPC. */
final class Receiver implements AutoCloseable {
  /** Who may connect. */
  enum Clients {
    ANY,
    WITH_CERTIFICATE
  }

  final List<byte[]> requests = new CopyOnWriteArrayList<>();
  final List<String> headers = new CopyOnWriteArrayList<>();
  private final Runnable stop;
  private final URI endpoint;
  private final Protocol protocol;

  private Receiver(Protocol protocol, URI endpoint, Runnable stop) {
    this.protocol = protocol;
    this.endpoint = endpoint;
    this.stop = stop;
  }

  static Receiver http(HttpHandler handler) throws IOException {
    return http(
        HttpServer.create(new InetSocketAddress(InetAddresses.forString("127.0.0.1"), 0), 0),
        "http",
        handler);
  }

  static Receiver https(TlsFiles tls, Clients clients, HttpHandler handler) throws Exception {
    SSLContext context = tls.load().context();
    HttpsServer server =
        HttpsServer.create(new InetSocketAddress(InetAddresses.forString("127.0.0.1"), 0), 0);
    server.setHttpsConfigurator(
        new HttpsConfigurator(context) {
          @Override
          public void configure(HttpsParameters parameters) {
            SSLParameters wanted = context.getDefaultSSLParameters();
            wanted.setNeedClientAuth(clients == Clients.WITH_CERTIFICATE);
            parameters.setSSLParameters(wanted);
          }
        });
    return http(server, "https", handler);
  }

  private static Receiver http(HttpServer server, String scheme, HttpHandler handler) {
    ExecutorService pool = Executors.newCachedThreadPool();
    Receiver receiver =
        new Receiver(
            Protocol.HTTP_PROTOBUF,
            URI.create("%s://127.0.0.1:%d".formatted(scheme, server.getAddress().getPort())),
            () -> {
              server.stop(0);
              pool.shutdownNow();
            });
    server.setExecutor(pool);
    for (OtlpSignal signal : OtlpSignal.values()) {
      server.createContext(
          signal.path(),
          exchange -> {
            receiver.requests.add(exchange.getRequestBody().readAllBytes());
            receiver.headers.add(exchange.getRequestHeaders().entrySet().toString());
            handler.handle(exchange);
          });
    }
    server.start();
    return receiver;
  }

  /** Answers with a status and a body. */
  static HttpHandler answering(int status, String type, byte[] body, String... header) {
    return exchange -> answer(exchange, status, type, body, header);
  }

  static void answer(HttpExchange exchange, int status, String type, byte[] body, String... header)
      throws IOException {
    try (exchange) {
      exchange.getResponseHeaders().set("Content-Type", type);
      for (int i = 0; i < header.length; i += 2) {
        exchange.getResponseHeaders().set(header[i], header[i + 1]);
      }
      exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
      exchange.getResponseBody().write(body);
    }
  }

  static Receiver grpc(BiConsumer<byte[], StreamObserver<byte[]>> handler) throws IOException {
    return grpc(InsecureServerCredentials.create(), "http", handler);
  }

  static Receiver grpcs(
      TlsFiles tls, Clients clients, BiConsumer<byte[], StreamObserver<byte[]>> handler)
      throws IOException {
    TlsServerCredentials.Builder credentials =
        TlsServerCredentials.newBuilder()
            .keyManager(
                Files.newInputStream(tls.chain().orElseThrow()),
                Files.newInputStream(tls.key().orElseThrow()))
            .trustManager(Files.newInputStream(tls.authorities().orElseThrow()));
    if (clients == Clients.WITH_CERTIFICATE) {
      credentials.clientAuth(TlsServerCredentials.ClientAuth.REQUIRE);
    }
    return grpc(credentials.build(), "https", handler);
  }

  private static Receiver grpc(
      ServerCredentials credentials,
      String scheme,
      BiConsumer<byte[], StreamObserver<byte[]>> handler)
      throws IOException {
    List<byte[]> seen = new CopyOnWriteArrayList<>();
    List<String> metadata = new CopyOnWriteArrayList<>();
    List<BindableService> services = new ArrayList<>();
    for (OtlpSignal signal : OtlpSignal.values()) {
      services.add(
          () ->
              ServerServiceDefinition.builder(
                      Splitter.on('/').splitToList(signal.method()).getFirst())
                  .addMethod(
                      RawMessages.unary(signal.method()),
                      ServerCalls.asyncUnaryCall(
                          (request, answers) -> {
                            seen.add(request);
                            handler.accept(request, answers);
                          }))
                  .build());
    }
    Server server =
        Grpc.newServerBuilderForPort(0, credentials)
            .addServices(services.stream().map(BindableService::bindService).toList())
            .intercept(new Noting(metadata))
            .build()
            .start();
    Receiver receiver =
        new Receiver(
            Protocol.GRPC,
            URI.create("%s://localhost:%d".formatted(scheme, server.getPort())),
            server::shutdownNow);
    receiver.noteOf(seen, metadata);
    return receiver;
  }

  private List<byte[]> grpcRequests = List.of();
  private List<String> grpcMetadata = List.of();

  private void noteOf(List<byte[]> seen, List<String> metadata) {
    grpcRequests = seen;
    grpcMetadata = metadata;
  }

  int count() {
    return requests.size() + grpcRequests.size();
  }

  byte[] request(int number) {
    return protocol == Protocol.GRPC ? grpcRequests.get(number) : requests.get(number);
  }

  String metadata(int number) {
    return protocol == Protocol.GRPC ? grpcMetadata.get(number) : headers.get(number);
  }

  private record Noting(List<String> metadata) implements ServerInterceptor {
    @Override
    public <A, B> ServerCall.Listener<A> interceptCall(
        ServerCall<A, B> call, Metadata headers, ServerCallHandler<A, B> next) {
      metadata.add(headers.toString());
      return next.startCall(call, headers);
    }
  }

  URI endpoint() {
    return endpoint;
  }

  OtlpReceiver reached() {
    return reached(TlsFiles.NONE);
  }

  OtlpReceiver reached(TlsFiles tls) {
    return reached(endpoint, protocol, tls, Compression.NONE);
  }

  static OtlpReceiver reached(
      URI endpoint, Protocol protocol, TlsFiles tls, Compression compression) {
    return new OtlpReceiver(
        endpoint,
        protocol,
        Duration.ofSeconds(20),
        compression,
        List.of(new Header("x-scope", "mesh one")),
        tls);
  }

  /** Metrics are pushed so often. */
  OtlpConfig every(Duration interval, TlsFiles tls) {
    return new OtlpConfig(
        new OtlpReceiver(endpoint, protocol, interval, Compression.NONE, reached().headers(), tls),
        interval,
        interval,
        Temporality.CUMULATIVE,
        Histograms.EXPONENTIAL);
  }

  @Override
  public void close() {
    stop.run();
  }
}
