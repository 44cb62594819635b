// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.grpc.ChannelCredentials;
import io.grpc.ConnectivityState;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.ManagedChannelRegistry;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.TlsChannelCredentials;
import io.grpc.stub.MetadataUtils;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import javax.net.ssl.KeyManager;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * The connection for the next stream, to the best of the addresses that answers.
 *
 * <p>Guarantees: {@link #next} waits for nobody. An address that failed is left alone for a time
 * that doubles with each failure. A better address than the present one is gone back to once a
 * connection to it stands. A connection whose stream broke is not used again, so that the next one
 * looks its name up anew. Files of TLS that have changed are in force from the next stream on; when
 * they are no good, those before stay.
 *
 * <p>Owned by: the thread that streams.
 */
final class AlsChannel implements AutoCloseable {
  private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
  private static final Duration KEEP_ALIVE_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration LOOK_AT_FILES = Duration.ofSeconds(1);

  /** The answer to a stream is empty. */
  private static final int MAX_ANSWER_BYTES = 64 << 10;

  /** One address. */
  private static final class Server {
    final AlsAddress address;
    final Backoff backoff;
    long notBeforeNs;
    boolean isFailing;
    @Nullable ManagedChannel channel;

    Server(AlsAddress address, long nowNs, RandomGenerator random) {
      this.address = address;
      backoff = new Backoff(FIRST_PAUSE, LONGEST_PAUSE, random);
      notBeforeNs = nowNs;
    }

    boolean mayBeTried(long nowNs) {
      return notBeforeNs - nowNs <= 0;
    }

    void fail(long nowNs) {
      isFailing = true;
      notBeforeNs = nowNs + backoff.next().toNanos();
      retire();
    }

    /** Streams that are still on it may end. */
    void retire() {
      if (channel != null) {
        channel.shutdown();
        channel = null;
      }
    }
  }

  private final AlsTransport transport;
  private final String userAgent;
  private final LongSupplier monoNs;
  private final Vitals vitals;
  private final Log log;
  private final List<Server> servers = new ArrayList<>();
  private ChannelCredentials credentials;
  private TlsFiles.@Nullable Stamp stamp;
  private long filesSeenNs;
  private Server current;

  /**
   * Connects to nobody yet.
   *
   * @param monoNs the monotonic clock, nanoseconds
   * @throws IOException when the files of TLS cannot be used
   */
  AlsChannel(
      AlsTransport transport,
      String version,
      LongSupplier monoNs,
      RandomGenerator random,
      Vitals vitals,
      Log log)
      throws IOException {
    this.transport = transport;
    this.userAgent = version.isEmpty() ? "meshlens" : "meshlens/" + version;
    this.monoNs = monoNs;
    this.vitals = vitals;
    this.log = log;
    filesSeenNs = monoNs.getAsLong();
    stamp = transport.tls().map(TlsFiles::stamp).orElse(null);
    try {
      credentials = credentials();
    } catch (GeneralSecurityException e) {
      throw new IOException("the files of access_log.als.tls cannot be used: " + e, e);
    }
    for (AlsAddress address : transport.addresses()) {
      requireSupport(address);
      servers.add(new Server(address, filesSeenNs, random));
    }
    current = servers.getFirst();
  }

  private ChannelCredentials credentials() throws IOException, GeneralSecurityException {
    if (transport.tls().isEmpty()) {
      return InsecureChannelCredentials.create();
    }
    TlsFiles.Loaded files = transport.tls().get().load();
    TlsChannelCredentials.Builder builder = TlsChannelCredentials.newBuilder();
    files.trust().ifPresent(trust -> builder.trustManager(trust.toArray(new TrustManager[0])));
    files.keys().ifPresent(keys -> builder.keyManager(keys.toArray(new KeyManager[0])));
    return builder.build();
  }

  /** Unix sockets need native code, which not every machine lets a program load. */
  private void requireSupport(AlsAddress address) throws IOException {
    try {
      open(address).shutdownNow();
    } catch (ManagedChannelRegistry.ProviderNotFoundException | IllegalArgumentException e) {
      throw new IOException(
          "access_log.als.address: %s cannot be connected to from here: %s"
              .formatted(address, e.getMessage()),
          e);
    }
  }

  /** For the next stream. */
  ManagedChannel next() {
    long nowNs = monoNs.getAsLong();
    lookAtFiles(nowNs);
    Server best = best(nowNs);
    if (best != current) {
      vitals.increment(Vital.ALS_FAILOVERS);
      log.info("access log service: %s after %s".formatted(best.address, current.address));
      current = best;
    }
    return channel(best);
  }

  private Server best(long nowNs) {
    Server soonest = current;
    for (Server server : servers) {
      if (server.mayBeTried(nowNs)) {
        boolean isWanted = server == current || current.isFailing || isConnected(server, nowNs);
        if (isWanted) {
          return server;
        }
      }
      if (server.notBeforeNs - soonest.notBeforeNs < 0) {
        soonest = server;
      }
    }
    return soonest;
  }

  /** Whether it stands; if not, it is begun. */
  private boolean isConnected(Server server, long nowNs) {
    ConnectivityState state = channel(server).getState(true);
    if (state == ConnectivityState.TRANSIENT_FAILURE) {
      server.fail(nowNs);
    }
    return state == ConnectivityState.READY;
  }

  private ManagedChannel channel(Server server) {
    ManagedChannel channel = server.channel;
    if (channel == null) {
      channel = open(server.address);
      server.channel = channel;
    }
    return channel;
  }

  private ManagedChannel open(AlsAddress address) {
    Metadata headers = new Metadata();
    transport
        .headers()
        .forEach(
            (name, value) ->
                headers.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value));
    ManagedChannelBuilder<?> builder =
        Grpc.newChannelBuilder(address.target(), credentials)
            .userAgent(userAgent)
            // Callbacks only note what happened: not worth another thread.
            .directExecutor()
            .maxInboundMessageSize(MAX_ANSWER_BYTES)
            // What broke is sent again by us, and a message is not kept for gRPC to do so.
            .disableRetry()
            .intercept(MetadataUtils.newAttachHeadersInterceptor(headers));
    transport.authority().ifPresent(builder::overrideAuthority);
    transport
        .keepAlive()
        .ifPresent(
            silence ->
                builder
                    .keepAliveTime(silence.toNanos(), TimeUnit.NANOSECONDS)
                    .keepAliveTimeout(KEEP_ALIVE_TIMEOUT.toNanos(), TimeUnit.NANOSECONDS));
    return builder.build();
  }

  /** New connections, and those only, get other certificates: so there have to be new ones. */
  private void lookAtFiles(long nowNs) {
    if (transport.tls().isEmpty() || nowNs - filesSeenNs < LOOK_AT_FILES.toNanos()) {
      return;
    }
    filesSeenNs = nowNs;
    TlsFiles.Stamp now = transport.tls().get().stamp();
    if (now.equals(stamp)) {
      return;
    }
    try {
      credentials = credentials();
      servers.forEach(Server::retire);
      vitals.increment(Vital.ALS_TLS_RELOADED);
      log.info("the files of access_log.als.tls have changed and are in force");
    } catch (IOException | GeneralSecurityException e) {
      vitals.increment(Vital.ALS_TLS_RELOAD_FAILED);
      log.warn(
          "the files of access_log.als.tls have changed and cannot be used; those before stay"
              + " until they change again: "
              + e.getMessage());
    }
    stamp = now;
  }

  /**
   * The stream on what {@link #next} gave broke.
   *
   * @return what to tell about it
   */
  String failed(Status status) {
    String address = current.address.toString();
    current.fail(monoNs.getAsLong());
    return address + ": " + AlsRemedy.explain(status, transport);
  }

  /** The stream on what {@link #next} gave was confirmed. */
  void succeeded() {
    current.isFailing = false;
    current.backoff.reset();
  }

  /** How long it is of no use to try any address. */
  Duration pause() {
    long nowNs = monoNs.getAsLong();
    long leftNs = Long.MAX_VALUE;
    for (Server server : servers) {
      leftNs = Math.min(leftNs, Math.max(0, server.notBeforeNs - nowNs));
    }
    return Duration.ofNanos(leftNs);
  }

  @Override
  public void close() {
    for (Server server : servers) {
      ManagedChannel channel = server.channel;
      if (channel != null) {
        channel.shutdownNow();
        server.channel = null;
      }
    }
  }
}
