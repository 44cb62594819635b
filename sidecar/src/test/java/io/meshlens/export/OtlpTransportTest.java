// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.rpc.Code;
import com.google.rpc.RetryInfo;
import com.sun.net.httpserver.HttpHandler;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import io.meshlens.export.Answer.Accepted;
import io.meshlens.export.Answer.Cause;
import io.meshlens.export.Answer.Failed;
import io.meshlens.export.OtlpReceiver.Compression;
import io.meshlens.export.OtlpReceiver.Protocol;
import io.meshlens.export.Receiver.Clients;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Both transports against servers that do what receivers, and others, do. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
final class OtlpTransportTest {
  private static final byte[] REQUEST = "a request of some bytes, bytes, bytes".getBytes(US_ASCII);
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Duration SHORT = Duration.ofMillis(300);
  private static final String PROTOBUF = "application/x-protobuf";

  /** partial_success {rejected_data_points: 7, error_message: "no"}. */
  private static final byte[] PARTIAL = HexFormat.of().parseHex("0a0608071202" + "6e6f");

  @TempDir private static Path directory;
  private static Certificates ours;
  private static Certificates others;

  @BeforeAll
  static void makeCertificates() throws Exception {
    ours = Certificates.in(directory.resolve("ours")).issue("server").issue("client");
    others = Certificates.in(directory.resolve("others")).issue("client");
  }

  private static OtlpTransport transport(OtlpReceiver receiver, OtlpSignal signal)
      throws Exception {
    InstantSource clock = InstantSource.fixed(Instant.parse("2026-11-21T10:00:00Z"));
    TlsFiles.Loaded tls = receiver.tls().load();
    return receiver.protocol() == Protocol.GRPC
        ? new OtlpGrpc(receiver, signal, tls)
        : new OtlpHttp(receiver, signal, tls, clock);
  }

  private static Answer send(OtlpReceiver receiver, Duration timeout) throws Exception {
    return send(receiver, OtlpSignal.METRICS, timeout);
  }

  private static Answer send(OtlpReceiver receiver, OtlpSignal signal, Duration timeout)
      throws Exception {
    try (OtlpTransport transport = transport(receiver, signal)) {
      return transport.send(REQUEST, timeout);
    }
  }

  private static Answer http(HttpHandler handler) throws Exception {
    try (Receiver receiver = Receiver.http(handler)) {
      return send(receiver.reached(), PATIENCE);
    }
  }

  private static Answer grpc(BiConsumer<byte[], StreamObserver<byte[]>> handler) throws Exception {
    try (Receiver receiver = Receiver.grpc(handler)) {
      return send(receiver.reached(), PATIENCE);
    }
  }

  private static BiConsumer<byte[], StreamObserver<byte[]>> answering(byte[] message) {
    return (request, answers) -> {
      answers.onNext(message);
      answers.onCompleted();
    };
  }

  private static Receiver accepting(Protocol protocol) throws IOException {
    return protocol == Protocol.GRPC
        ? Receiver.grpc(answering(new byte[0]))
        : Receiver.http(Receiver.answering(200, PROTOBUF, new byte[0]));
  }

  private static Cause cause(Answer answer) {
    assertThat(answer).isInstanceOf(Failed.class);
    return ((Failed) answer).cause();
  }

  @ParameterizedTest
  @CsvSource({"GRPC, METRICS", "GRPC, LOGS", "HTTP_PROTOBUF, METRICS", "HTTP_PROTOBUF, LOGS"})
  void requestArrivesWithItsHeadersWhereItsSignalIsTaken(Protocol protocol, OtlpSignal signal)
      throws Exception {
    try (Receiver receiver = accepting(protocol)) {
      assertThat(send(receiver.reached(), signal, PATIENCE)).isEqualTo(new Accepted(0, ""));

      assertThat(receiver.request(0)).isEqualTo(REQUEST);
      assertThat(receiver.metadata(0)).containsIgnoringCase("x-scope").contains("mesh one");
    }
  }

  @ParameterizedTest
  @EnumSource
  void compressedRequestIsTheSameOnceUnpacked(Protocol protocol) throws Exception {
    try (Receiver receiver = accepting(protocol)) {
      OtlpReceiver config =
          Receiver.reached(receiver.endpoint(), protocol, TlsFiles.NONE, Compression.GZIP);

      assertThat(send(config, PATIENCE)).isEqualTo(new Accepted(0, ""));
      assertThat(receiver.metadata(0)).containsIgnoringCase("gzip");
      byte[] request = receiver.request(0);
      if (protocol == Protocol.HTTP_PROTOBUF) {
        try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(request))) {
          request = in.readAllBytes();
        }
      }
      assertThat(request).isEqualTo(REQUEST);
    }
  }

  @Test
  void partialSuccessTellsHowMuchAndWhy() throws Exception {
    Accepted expected = new Accepted(7, "no");

    assertThat(http(Receiver.answering(200, PROTOBUF, PARTIAL))).isEqualTo(expected);
    assertThat(grpc(answering(PARTIAL))).isEqualTo(expected);
    String json = "{\"partialSuccess\":{\"rejectedDataPoints\":\"7\"}}";
    assertThat(http(Receiver.answering(200, "application/json", json.getBytes(US_ASCII))))
        .isEqualTo(new Accepted(7, json));
    String ofLogs = json.replace("DataPoints", "LogRecords");
    try (Receiver receiver =
        Receiver.http(Receiver.answering(200, "application/json", ofLogs.getBytes(US_ASCII)))) {
      assertThat(send(receiver.reached(), OtlpSignal.LOGS, PATIENCE))
          .isEqualTo(new Accepted(7, ofLogs));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ffff", "0a7f01", "0805", "0a040aff0102", "0c"})
  void answerThatIsNoneIsGarbage(String hex) throws Exception {
    byte[] garbage = HexFormat.of().parseHex(hex);

    assertThat(cause(http(Receiver.answering(200, PROTOBUF, garbage)))).isEqualTo(Cause.GARBAGE);
    assertThat(cause(grpc(answering(garbage)))).isEqualTo(Cause.GARBAGE);
  }

  @Test
  void pageOfAnotherServerIsGarbageAndItsBeginningIsShown() throws Exception {
    byte[] page = "<html>Welcome to\n nginx</html>".getBytes(US_ASCII);

    Answer answer = http(Receiver.answering(200, "text/html", page));

    assertThat(cause(answer)).isEqualTo(Cause.GARBAGE);
    assertThat(((Failed) answer).message()).endsWith(": <html>Welcome to  nginx</html>");
  }

  @Test
  void endlessAnswerIsCutOff() throws Exception {
    assertThat(cause(http(Receiver.answering(200, PROTOBUF, new byte[1 << 20]))))
        .isEqualTo(Cause.UNREACHABLE);
    assertThat(cause(grpc(answering(new byte[1 << 20])))).isEqualTo(Cause.REFUSED);
  }

  @ParameterizedTest
  @CsvSource({
    "400, INVALID",
    "401, REFUSED",
    "404, REFUSED",
    "413, INVALID",
    "500, REFUSED",
    "302, REFUSED",
    "429, UNAVAILABLE",
    "502, UNAVAILABLE",
    "503, UNAVAILABLE",
    "504, UNAVAILABLE"
  })
  void httpStatusTellsWhetherToTryAgain(int status, Cause expected) throws Exception {
    assertThat(cause(http(Receiver.answering(status, "text/plain", new byte[0]))))
        .isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "7 | PT7S",
        "86400 | PT5M",
        "Sat, 21 Nov 2026 10:00:42 GMT | PT42S",
        "Sat, 21 Nov 2026 09:00:00 GMT | PT0S",
        "soon | ",
      })
  void retryAfterIsSecondsOrADate(String text, Duration expected) throws Exception {
    Answer answer = http(Receiver.answering(503, "text/plain", new byte[0], "Retry-After", text));

    assertThat(((Failed) answer).retryAfter()).isEqualTo(Optional.ofNullable(expected));
  }

  @ParameterizedTest
  @CsvSource({
    "UNAVAILABLE, UNAVAILABLE", "ABORTED, UNAVAILABLE", "DATA_LOSS, UNAVAILABLE",
    "RESOURCE_EXHAUSTED, REFUSED", "UNIMPLEMENTED, REFUSED", "INVALID_ARGUMENT, INVALID",
    "UNAUTHENTICATED, REFUSED", "INTERNAL, REFUSED"
  })
  void grpcStatusTellsWhetherToTryAgain(Status.Code code, Cause expected) throws Exception {
    assertThat(cause(grpc((r, answers) -> answers.onError(code.toStatus().asRuntimeException()))))
        .isEqualTo(expected);
  }

  @Test
  void exhaustedReceiverThatSaysWhenIsTriedAgainThen() throws Exception {
    com.google.rpc.Status status =
        com.google.rpc.Status.newBuilder()
            .setCode(Code.RESOURCE_EXHAUSTED_VALUE)
            .addDetails(
                Any.pack(
                    RetryInfo.newBuilder()
                        .setRetryDelay(com.google.protobuf.Duration.newBuilder().setSeconds(9))
                        .build()))
            .build();

    Answer answer =
        grpc((r, answers) -> answers.onError(StatusProto.toStatusRuntimeException(status)));

    assertThat(cause(answer)).isEqualTo(Cause.UNAVAILABLE);
    assertThat(((Failed) answer).retryAfter()).contains(Duration.ofSeconds(9));
  }

  private interface Connected {
    void serve(Socket socket) throws IOException;
  }

  /** One connection to a server that is none. */
  private static Answer raw(Protocol protocol, String scheme, Duration timeout, Connected server)
      throws Exception {
    try (ServerSocket listening = new ServerSocket(0, 8, InetAddress.getLoopbackAddress())) {
      Thread thread =
          Thread.ofVirtual()
              .start(
                  () -> {
                    while (!listening.isClosed()) {
                      try (Socket socket = listening.accept()) {
                        server.serve(socket);
                      } catch (IOException e) {
                        // The client's end, or the test's.
                      }
                    }
                  });
      URI endpoint = URI.create(scheme + "://127.0.0.1:" + listening.getLocalPort());
      Answer answer =
          send(Receiver.reached(endpoint, protocol, TlsFiles.NONE, Compression.NONE), timeout);
      listening.close();
      thread.join();
      return answer;
    }
  }

  @ParameterizedTest
  @EnumSource
  void silentReceiverTimesOut(Protocol protocol) throws Exception {
    assertThat(
            cause(raw(protocol, "http", SHORT, socket -> socket.getInputStream().readAllBytes())))
        .isEqualTo(Cause.TIMEOUT);
  }

  @Test
  void answerWhoseBodyNeverComesTimesOut() throws Exception {
    Answer answer =
        raw(
            Protocol.HTTP_PROTOBUF,
            "http",
            SHORT,
            socket -> {
              socket
                  .getOutputStream()
                  .write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".getBytes(US_ASCII));
              socket.getInputStream().readAllBytes();
            });

    assertThat(cause(answer)).isEqualTo(Cause.TIMEOUT);
  }

  @ParameterizedTest
  @EnumSource
  void connectionThatIsResetInTheMiddleIsToBeTriedAgain(Protocol protocol) throws Exception {
    Answer answer =
        raw(
            protocol,
            "http",
            PATIENCE,
            socket -> {
              socket.getInputStream().readNBytes(20);
              if (protocol == Protocol.HTTP_PROTOBUF) {
                String begin = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc";
                socket.getOutputStream().write(begin.getBytes(US_ASCII));
              }
              socket.setSoLinger(true, 0);
            });

    assertThat(cause(answer).isPassing()).isTrue();
  }

  @ParameterizedTest
  @EnumSource
  void portWithoutServerIsUnreachable(Protocol protocol) throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    OtlpReceiver config =
        Receiver.reached(
            URI.create("http://127.0.0.1:" + port), protocol, TlsFiles.NONE, Compression.NONE);

    assertThat(cause(send(config, PATIENCE))).isEqualTo(Cause.UNREACHABLE);
  }

  private static Receiver secured(Protocol protocol, Clients clients) throws Exception {
    return protocol == Protocol.GRPC
        ? Receiver.grpcs(ours.files("server"), clients, answering(new byte[0]))
        : Receiver.https(
            ours.files("server"), clients, Receiver.answering(200, PROTOBUF, new byte[0]));
  }

  @ParameterizedTest
  @EnumSource
  void receiverIsTrustedByItsAuthorityAlone(Protocol protocol) throws Exception {
    try (Receiver receiver = secured(protocol, Clients.ANY)) {
      assertThat(send(receiver.reached(ours.authorityOnly()), PATIENCE))
          .isEqualTo(new Accepted(0, ""));
      assertThat(cause(send(receiver.reached(others.authorityOnly()), PATIENCE)))
          .isEqualTo(Cause.TLS);
      assertThat(cause(send(receiver.reached(TlsFiles.NONE), PATIENCE))).isEqualTo(Cause.TLS);
      assertThat(receiver.count()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void receiverThatAsksForACertificateTakesOnlyOneOfItsAuthority(Protocol protocol)
      throws Exception {
    TlsFiles stranger =
        new TlsFiles(
            Optional.of(ours.file("ca.crt")),
            Optional.of(others.file("client.crt")),
            Optional.of(others.file("client.key")));
    try (Receiver receiver = secured(protocol, Clients.WITH_CERTIFICATE)) {
      assertThat(send(receiver.reached(ours.files("client")), PATIENCE))
          .isEqualTo(new Accepted(0, ""));
      assertThat(send(receiver.reached(ours.authorityOnly()), PATIENCE)).isInstanceOf(Failed.class);
      assertThat(send(receiver.reached(stranger), PATIENCE)).isInstanceOf(Failed.class);
      assertThat(receiver.count()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void plainServerIsNoTlsServer(Protocol protocol) throws Exception {
    Answer answer =
        raw(
            protocol,
            "https",
            PATIENCE,
            socket -> {
              socket.getInputStream().readNBytes(5);
              socket.getOutputStream().write("HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(US_ASCII));
            });

    assertThat(cause(answer)).isEqualTo(Cause.TLS);
  }

  @ParameterizedTest
  @EnumSource
  void requestUnderWayCanBeCancelled(Protocol protocol) throws Exception {
    try (ServerSocket listening = new ServerSocket(0, 8, InetAddress.getLoopbackAddress());
        OtlpTransport transport =
            transport(
                Receiver.reached(
                    URI.create("http://127.0.0.1:" + listening.getLocalPort()),
                    protocol,
                    TlsFiles.NONE,
                    Compression.NONE),
                OtlpSignal.LOGS)) {
      Thread canceller =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try (Socket socket = listening.accept()) {
                      socket.getInputStream().readNBytes(10);
                      transport.cancel();
                    } catch (IOException e) {
                      throw new java.io.UncheckedIOException(e);
                    }
                  });

      assertThat(transport.send(REQUEST, Duration.ofMinutes(5))).isInstanceOf(Failed.class);
      canceller.join();
    }
  }
}
