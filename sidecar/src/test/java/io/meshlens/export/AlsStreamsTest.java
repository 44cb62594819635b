// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static org.assertj.core.api.Assertions.assertThat;

import io.envoyproxy.envoy.service.accesslog.v3.AccessLogServiceGrpc;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsMessage;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsResponse;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Against a real server that reads only when it is told to. */
@Timeout(60)
final class AlsStreamsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Duration IMPATIENCE = Duration.ofMillis(100);

  /** Of each stream, until the server reads; gRPC keeps half as much again. */
  private static final int WINDOW_BYTES = 1 << 16;

  private static final byte[] IDENTIFIER =
      StreamAccessLogsMessage.newBuilder()
          .setIdentifier(StreamAccessLogsMessage.Identifier.newBuilder().setLogName("test"))
          .build()
          .toByteArray();

  /** One stream as the server has it. */
  private static final class Received implements StreamObserver<StreamAccessLogsMessage> {
    private final ServerCallStreamObserver<StreamAccessLogsResponse> call;
    private final List<StreamAccessLogsMessage> messages = new CopyOnWriteArrayList<>();

    private Received(StreamObserver<StreamAccessLogsResponse> response) {
      call = (ServerCallStreamObserver<StreamAccessLogsResponse>) response;
      call.disableAutoRequest();
    }

    private void read() {
      call.request(Integer.MAX_VALUE);
    }

    @Override
    public void onNext(StreamAccessLogsMessage message) {
      messages.add(message);
    }

    @Override
    public void onError(Throwable cause) {}

    @Override
    public void onCompleted() {
      call.onNext(StreamAccessLogsResponse.getDefaultInstance());
      call.onCompleted();
    }
  }

  private final List<Received> received = new CopyOnWriteArrayList<>();
  private Server server;
  private ManagedChannel channel;

  @BeforeEach
  void start() throws Exception {
    start(Integer.MAX_VALUE);
  }

  private void start(int streamsAtOnce) throws Exception {
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .flowControlWindow(WINDOW_BYTES)
            .maxConcurrentCallsPerConnection(streamsAtOnce)
            .addService(
                new AccessLogServiceGrpc.AccessLogServiceImplBase() {
                  @Override
                  public StreamObserver<StreamAccessLogsMessage> streamAccessLogs(
                      StreamObserver<StreamAccessLogsResponse> response) {
                    Received stream = new Received(response);
                    received.add(stream);
                    return stream;
                  }
                })
            .build()
            .start();
    channel =
        Grpc.newChannelBuilder("127.0.0.1:" + server.getPort(), InsecureChannelCredentials.create())
            .directExecutor()
            .build();
  }

  @AfterEach
  void stop() throws Exception {
    channel.shutdownNow();
    server.shutdownNow().awaitTermination();
  }

  private AlsStreams streams(int most) {
    return new AlsStreams(channel, most, IDENTIFIER, System::nanoTime);
  }

  /** A stream once the server has it; they are numbered from 0. */
  private Received received(int stream) throws InterruptedException {
    while (received.size() <= stream) {
      Thread.sleep(1);
    }
    return received.get(stream);
  }

  /** More than a stream takes while nobody reads. */
  private static byte[] large(int entries) {
    return message(entries, 3 * WINDOW_BYTES / entries);
  }

  private static byte[] message(int entries, int entryBytes) {
    StreamAccessLogsMessage.Builder message = StreamAccessLogsMessage.newBuilder();
    for (int i = 0; i < entries; i++) {
      message
          .getTcpLogsBuilder()
          .addLogEntryBuilder()
          .getCommonPropertiesBuilder()
          .setStreamId("x".repeat(entryBytes));
    }
    return message.build().toByteArray();
  }

  private static int entries(StreamAccessLogsMessage message) {
    return message.getTcpLogs().getLogEntryCount();
  }

  @Test
  void anotherStreamCarriesWhatTheFirstHasNoRoomForAndSaysWhoWeAreToo() throws Exception {
    AlsStreams streams = streams(3);
    for (int entries : new int[] {2, 3, 5}) {
      assertThat(streams.send(large(entries), PATIENCE)).isTrue();
    }
    assertThat(streams.send(large(7), IMPATIENCE))
        .as("a fourth, before anything is read")
        .isFalse();
    for (int i = 0; i < 3; i++) {
      received(i).read();
    }
    assertThat(streams.send(large(11), PATIENCE)).isTrue();

    assertThat(streams.confirm(PATIENCE)).isTrue();
    List<Integer> entries = new ArrayList<>();
    for (Received stream : received) {
      stream.messages.forEach(message -> entries.add(entries(message)));
      assertThat(stream.messages.getFirst().getIdentifier().getLogName()).isEqualTo("test");
      assertThat(stream.messages.stream().skip(1)).noneMatch(m -> m.hasIdentifier());
    }
    assertThat(entries).containsExactlyInAnyOrder(2, 3, 5, 11);
    assertThat(received).hasSize(3);
  }

  @Test
  void oneStreamIsEnoughWhileItHasRoom() throws Exception {
    AlsStreams streams = streams(3);
    for (int i = 0; i < 7; i++) {
      assertThat(streams.send(message(1, 17), PATIENCE)).isTrue();
    }
    received(0).read();
    assertThat(streams.confirm(PATIENCE)).isTrue();
    assertThat(received).hasSize(1);
    assertThat(received(0).messages).hasSize(7);
  }

  @Test
  void aStreamThatTheServerDoesNotTakeIsNotWaitedFor() throws Exception {
    stop();
    start(1);
    AlsStreams streams = streams(2);
    assertThat(streams.send(large(2), PATIENCE)).isTrue();
    assertThat(streams.send(large(3), IMPATIENCE)).isFalse();
    received(0).read();

    assertThat(streams.confirm(PATIENCE)).isTrue();
    assertThat(received).hasSize(1);
    assertThat(received(0).messages).hasSize(1);
  }

  @Test
  void noneIsConfirmedWhenOneBreaks() throws Exception {
    AlsStreams streams = streams(2);
    assertThat(streams.send(large(2), PATIENCE)).isTrue();
    assertThat(streams.send(large(3), PATIENCE)).isTrue();
    received(0).read();
    received(1).call.onError(Status.INTERNAL.withDescription("wanted").asException());

    assertThat(streams.confirm(PATIENCE)).isFalse();
    assertThat(streams.failure().getDescription()).isEqualTo("wanted");
    streams.cancel();
  }

  @Test
  void aFriendlyEndBeforeOursConfirmsNothing() throws Exception {
    AlsStreams streams = streams(2);
    assertThat(streams.send(large(2), PATIENCE)).isTrue();
    assertThat(streams.send(large(3), PATIENCE)).isTrue();
    received(0).onCompleted();
    while (!streams.isBroken()) {
      Thread.sleep(1);
    }
    received(1).read();

    assertThat(streams.confirm(PATIENCE)).isFalse();
    assertThat(streams.failure().getDescription()).isEqualTo("ended before all was sent");
    streams.cancel();
  }
}
