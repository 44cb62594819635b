// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.ServerCredentials;
import io.grpc.Status;
import io.grpc.TlsServerCredentials;
import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.flow.Connection;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Against real servers on loopback; only the clock of pauses is ours. */
@Timeout(60)
final class AlsChannelTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final byte[] NOBODY = {};

  @TempDir private Path directory;
  private final Vitals vitals = new Vitals();
  private final ByteArrayOutputStream said = new ByteArrayOutputStream();
  private final Log log =
      new Log(new PrintStream(said, true, UTF_8), Log.Level.INFO, InstantSource.system());
  private final AtomicLong nowNs = new AtomicLong(Long.MAX_VALUE - 5_000_000_000L);
  private final AlsBatch batch =
      new AlsBatch(new AlsMapping(new ConnectionIds("1f0c2a9b")), 1 << 12);
  private String failure = "";

  private AlsChannel channel(AlsTransport transport) throws IOException {
    RandomGenerator random = new Random(1);
    return new AlsChannel(transport, "1.2.3", nowNs::get, random, vitals, log);
  }

  private static AlsTransport to(Optional<TlsFiles> tls, AlsAddress... addresses) {
    return new AlsTransport(
        List.of(addresses), tls, Optional.empty(), Map.of(), Optional.of(Duration.ofSeconds(30)));
  }

  private static AlsTransport to(AlsAddress... addresses) {
    return to(Optional.empty(), addresses);
  }

  /** One stream with one entry; whether it was confirmed. */
  private boolean stream(AlsChannel channel) throws InterruptedException {
    AlsStreams streams = new AlsStreams(channel.next(), 1, NOBODY, System::nanoTime);
    batch.clear();
    batch.add(new Connection());
    boolean confirmed = streams.send(batch.toByteArray(), PATIENCE) && streams.confirm(PATIENCE);
    if (confirmed) {
      channel.succeeded();
    } else {
      failure = channel.failed(streams.failure());
      streams.cancel();
    }
    return confirmed;
  }

  private void pass(Duration time) {
    nowNs.addAndGet(time.toNanos());
  }

  private String log() {
    return said.toString(UTF_8);
  }

  @Test
  void headersAuthorityAndUserAgentGoWithTheStream() throws Exception {
    try (AlsReceiver receiver = AlsReceiver.plain();
        AlsChannel channel =
            channel(
                new AlsTransport(
                    List.of(receiver.address()),
                    Optional.empty(),
                    Optional.of("als.mesh"),
                    Map.of("authorization", "Bearer 123"),
                    Optional.empty()))) {
      assertThat(stream(channel)).as(failure).isTrue();

      assertThat(receiver.entries()).isEqualTo(1);
      assertThat(receiver.authorities).containsExactly("als.mesh");
      assertThat(header(receiver, "authorization")).isEqualTo("Bearer 123");
      assertThat(header(receiver, "user-agent")).startsWith("meshlens/1.2.3 ");
    }
  }

  private static String header(AlsReceiver receiver, String name) {
    return String.valueOf(
        receiver.headers.getFirst().get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER)));
  }

  @Test
  void unixSocketIsAsGoodAsAPort() throws Exception {
    Path socket = directory.resolve("als.sock");
    try (AlsReceiver receiver = AlsReceiver.unix(socket);
        AlsChannel channel = channel(to(AlsAddress.of("unix:" + socket)))) {
      assertThat(stream(channel)).as(failure).isTrue();

      assertThat(receiver.entries()).isEqualTo(1);
    }
  }

  @Test
  void oneConnectionCarriesOneStreamAfterTheOther() throws Exception {
    try (AlsReceiver receiver = AlsReceiver.plain();
        AlsChannel channel = channel(to(receiver.address()))) {
      assertThat(stream(channel)).as(failure).isTrue();
      Object first = channel.next();
      assertThat(stream(channel)).as(failure).isTrue();

      assertThat(channel.next()).isSameAs(first);
      assertThat(receiver.entries()).isEqualTo(2);
    }
  }

  @Test
  void otherAddressTakesOverAtOnceAndTheFirstIsGoneBackTo() throws Exception {
    int port;
    try (ServerSocket reserved = new ServerSocket(0)) {
      port = reserved.getLocalPort();
    }
    AlsAddress first = AlsAddress.of("127.0.0.1:" + port);
    try (AlsReceiver second = AlsReceiver.plain();
        AlsChannel channel = channel(to(first, second.address()))) {
      assertThat(stream(channel)).isFalse();
      assertThat(failure).startsWith(first + ": UNAVAILABLE: ").contains("Connection refused");
      assertThat(channel.pause()).isZero();
      assertThat(stream(channel)).as(failure).isTrue();
      pass(Duration.ofSeconds(1));
      assertThat(stream(channel)).as("the first is still away: " + failure).isTrue();
      assertThat(vitals.get(Vital.ALS_FAILOVERS)).isEqualTo(1);

      try (AlsReceiver back = AlsReceiver.at(port, InsecureServerCredentials.create())) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (back.entries() == 0 && System.nanoTime() < end) {
          pass(Duration.ofSeconds(40));
          assertThat(stream(channel)).as(failure).isTrue();
          Thread.sleep(20);
        }
        assertThat(back.entries()).isEqualTo(1);
        assertThat(vitals.get(Vital.ALS_FAILOVERS)).isEqualTo(2);
        assertThat(log()).contains("access log service: " + first + " after " + second.address());
      }
    }
  }

  @Test
  void endlessRefusalsAreAskedForLessAndLessOften() throws Exception {
    try (AlsReceiver receiver = AlsReceiver.plain();
        AlsChannel channel = channel(to(receiver.address()))) {
      receiver.answer = Status.RESOURCE_EXHAUSTED.withDescription("too much");
      Duration longest = Duration.ZERO;
      for (int i = 0; i < 12; i++) {
        assertThat(stream(channel)).isFalse();
        assertThat(channel.pause()).isBetween(Duration.ofMillis(160), Duration.ofSeconds(36));
        longest = channel.pause();
        pass(longest);
        assertThat(channel.pause()).isZero();
      }
      assertThat(longest).isGreaterThan(Duration.ofSeconds(20));
      assertThat(failure).contains("RESOURCE_EXHAUSTED: too much; the server takes no more");

      receiver.answer = Status.OK;
      assertThat(stream(channel)).as(failure).isTrue();
      receiver.answer = Status.RESOURCE_EXHAUSTED;
      assertThat(stream(channel)).isFalse();
      assertThat(channel.pause()).isLessThan(Duration.ofMillis(250));
    }
  }

  @Test
  void withoutTheServiceThereTheMessageSaysSo() throws Exception {
    try (AlsReceiver receiver = AlsReceiver.plain();
        AlsChannel channel = channel(to(receiver.address()))) {
      receiver.answer = Status.UNIMPLEMENTED;

      assertThat(stream(channel)).isFalse();
      assertThat(failure).contains("no envoy.service.accesslog.v3.AccessLogService is there");
    }
  }

  private ServerCredentials server(TestCertificates certificates, boolean mutual)
      throws IOException {
    TlsServerCredentials.Builder builder =
        TlsServerCredentials.newBuilder()
            .keyManager(
                certificates.certificate("server").toFile(), certificates.key("server").toFile());
    if (mutual) {
      builder
          .trustManager(certificates.authority().toFile())
          .clientAuth(TlsServerCredentials.ClientAuth.REQUIRE);
    }
    return builder.build();
  }

  private TestCertificates certificates() throws Exception {
    TestCertificates made = new TestCertificates(directory, "authority");
    made.issue("server", "IP:127.0.0.1,DNS:als.mesh");
    made.issue("client", "DNS:client");
    return made;
  }

  private static Optional<TlsFiles> trusting(Path authority) {
    return Optional.of(new TlsFiles(Optional.of(authority), Optional.empty(), Optional.empty()));
  }

  private static Optional<TlsFiles> mutual(TestCertificates certificates) {
    return Optional.of(
        new TlsFiles(
            Optional.of(certificates.authority()),
            Optional.of(certificates.certificate("client")),
            Optional.of(certificates.key("client"))));
  }

  @Test
  void certificatesProveBothSides() throws Exception {
    TestCertificates certificates = certificates();
    try (AlsReceiver receiver = AlsReceiver.at(0, server(certificates, true));
        AlsChannel known = channel(to(mutual(certificates), receiver.address()));
        AlsChannel unknown = channel(to(trusting(certificates.authority()), receiver.address()))) {
      assertThat(stream(known)).as(failure).isTrue();
      assertThat(stream(unknown)).isFalse();
      assertThat(failure).contains("set access_log.als.tls.cert_file and .key_file");
      assertThat(receiver.entries()).isEqualTo(1);
    }
  }

  @Test
  void serverOfAnotherAuthorityIsNotTrusted() throws Exception {
    TestCertificates certificates = certificates();
    TestCertificates others = new TestCertificates(directory, "other");
    try (AlsReceiver receiver = AlsReceiver.at(0, server(certificates, false));
        AlsChannel channel = channel(to(trusting(others.authority()), receiver.address()))) {
      assertThat(stream(channel)).isFalse();

      assertThat(failure).contains("is not trusted: set access_log.als.tls.ca_file");
      assertThat(receiver.entries()).isZero();
    }
  }

  @Test
  void serverOfAnotherNameIsNotTrustedUnlessItIsTheAuthority() throws Exception {
    TestCertificates certificates = new TestCertificates(directory, "authority");
    certificates.issue("server", "DNS:als.mesh");
    try (AlsReceiver receiver = AlsReceiver.at(0, server(certificates, false));
        AlsChannel channel = channel(to(trusting(certificates.authority()), receiver.address()));
        AlsChannel named =
            channel(
                new AlsTransport(
                    List.of(receiver.address()),
                    trusting(certificates.authority()),
                    Optional.of("als.mesh"),
                    Map.of(),
                    Optional.empty()))) {
      assertThat(stream(channel)).isFalse();
      assertThat(failure).contains("set access_log.als.authority");
      assertThat(stream(named)).as(failure).isTrue();
    }
  }

  @Test
  void tlsToAPlainServerIsExplained() throws Exception {
    TestCertificates certificates = certificates();
    try (AlsReceiver receiver = AlsReceiver.plain();
        AlsChannel channel = channel(to(trusting(certificates.authority()), receiver.address()))) {
      assertThat(stream(channel)).isFalse();

      assertThat(failure).contains("does not speak TLS: set access_log.als.tls.enabled=false");
    }
  }

  @Test
  void plainTextToATlsServerIsExplained() throws Exception {
    TestCertificates certificates = certificates();
    try (AlsReceiver receiver = AlsReceiver.at(0, server(certificates, false));
        AlsChannel channel = channel(to(receiver.address()))) {
      assertThat(stream(channel)).isFalse();

      assertThat(failure).contains("may speak TLS: then set access_log.als.tls.enabled=true");
    }
  }

  @Test
  void serverThatNeverAnswersDoesNotKeepTheChannelFromTheNext() throws Exception {
    try (ServerSocket silent = new ServerSocket(0);
        AlsReceiver second = AlsReceiver.plain();
        AlsChannel channel =
            channel(to(AlsAddress.of("127.0.0.1:" + silent.getLocalPort()), second.address()))) {
      AlsStreams stuck = new AlsStreams(channel.next(), 1, NOBODY, System::nanoTime);
      assertThat(stuck.send(NOBODY, Duration.ofMillis(300))).isFalse();
      assertThat(channel.failed(stuck.failure())).contains("DEADLINE_EXCEEDED: no answer in time");
      stuck.cancel();
      assertThat(stream(channel)).as(failure).isTrue();
      try (Socket accepted = silent.accept()) {
        assertThat(accepted.isConnected()).isTrue();
      }
    }
  }

  @Test
  void changedCertificatesAreInForceFromTheNextStreamOn() throws Exception {
    TestCertificates certificates = certificates();
    try (AlsReceiver receiver = AlsReceiver.at(0, server(certificates, true));
        AlsChannel channel = channel(to(mutual(certificates), receiver.address()))) {
      assertThat(stream(channel)).as(failure).isTrue();
      Object before = channel.next();

      certificates.issue("client", "DNS:client-2");
      pass(Duration.ofSeconds(2));
      assertThat(stream(channel)).as(failure).isTrue();
      assertThat(channel.next()).isNotSameAs(before);
      assertThat(vitals.get(Vital.ALS_TLS_RELOADED)).isEqualTo(1);
      assertThat(vitals.get(Vital.ALS_TLS_RELOAD_FAILED)).isZero();
    }
  }

  @Test
  void certificatesThatCannotBeUsedLeaveThoseBeforeInForce() throws Exception {
    TestCertificates certificates = certificates();
    Path file = certificates.certificate("client");
    Path good = Files.copy(file, directory.resolve("good.pem"));
    try (AlsReceiver receiver = AlsReceiver.at(0, server(certificates, true));
        AlsChannel channel = channel(to(mutual(certificates), receiver.address()))) {
      assertThat(stream(channel)).as(failure).isTrue();

      Files.writeString(file, "garbage");
      pass(Duration.ofSeconds(2));
      assertThat(stream(channel)).as(failure).isTrue();
      assertThat(vitals.get(Vital.ALS_TLS_RELOAD_FAILED)).isEqualTo(1);
      assertThat(log()).contains("cannot be used; those before stay");

      Files.delete(file);
      pass(Duration.ofSeconds(2));
      assertThat(stream(channel)).as(failure).isTrue();
      assertThat(vitals.get(Vital.ALS_TLS_RELOAD_FAILED)).isEqualTo(2);

      pass(Duration.ofSeconds(2));
      assertThat(stream(channel)).as("unchanged since: " + failure).isTrue();
      assertThat(vitals.get(Vital.ALS_TLS_RELOAD_FAILED)).isEqualTo(2);

      Files.move(good, file, StandardCopyOption.ATOMIC_MOVE);
      pass(Duration.ofSeconds(2));
      assertThat(stream(channel)).as(failure).isTrue();
      assertThat(vitals.get(Vital.ALS_TLS_RELOADED)).isEqualTo(1);
    }
  }

  @Test
  void keyOfAnotherCertificateIsRefusedAtTheStart() throws Exception {
    TestCertificates certificates = certificates();
    TlsFiles files =
        new TlsFiles(
            Optional.empty(),
            Optional.of(certificates.certificate("client")),
            Optional.of(certificates.key("server")));

    assertThatThrownBy(() -> channel(to(Optional.of(files), AlsAddress.of("127.0.0.1:1"))))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("is not the key of the certificate");
  }
}
