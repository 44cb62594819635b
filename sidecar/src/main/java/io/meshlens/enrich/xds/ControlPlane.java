// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.xds;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.common.base.CharMatcher;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.ManagedChannelRegistry;
import io.grpc.Metadata;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * One connection to the control plane, made of what the files of certificates and token hold at
 * that moment. A new one for each attempt: files change, and names resolve anew.
 */
final class ControlPlane implements AutoCloseable {
  /** As Istio's own clients; Istio's servers refuse less than 15 s. */
  private static final long KEEP_ALIVE_SECONDS = 30;

  private static final long KEEP_ALIVE_TIMEOUT_SECONDS = 10;
  private static final int LONGEST_TOKEN_BYTES = 1 << 16;
  private static final long CLOSE_PATIENCE_MS = 500;

  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> CLUSTER_ID =
      Metadata.Key.of("clusterid", Metadata.ASCII_STRING_MARSHALLER);

  /** Files that cannot be used; the message names all of them. */
  static final class CredentialsException extends Exception {
    private static final long serialVersionUID = 1L;

    CredentialsException(List<String> problems) {
      super(String.join("; ", problems));
    }
  }

  private final ManagedChannel channel;
  private final Metadata headers;

  private ControlPlane(ManagedChannel channel, Metadata headers) {
    this.channel = channel;
    this.headers = headers;
  }

  static ControlPlane open(DiscoveryConfig config) throws CredentialsException {
    Metadata headers = new Metadata();
    ManagedChannelBuilder<?> builder;
    switch (config.security()) {
      case DiscoveryConfig.Plaintext() ->
          builder = builder(config, InsecureChannelCredentials.create());
      case DiscoveryConfig.Tls tls -> {
        requireReadable(tls);
        if (tls.token().isPresent()) {
          headers.put(AUTHORIZATION, "Bearer " + token(tls.token().get()));
          headers.put(CLUSTER_ID, config.node().cluster());
        }
        builder = builder(config, credentials(tls));
        tls.serverName().ifPresent(builder::overrideAuthority);
      }
    }
    return new ControlPlane(
        builder
            .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
            .keepAliveTimeout(KEEP_ALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS)
            .maxInboundMessageSize(config.maxResponseBytes())
            .userAgent("meshlens")
            .disableRetry()
            .build(),
        headers);
  }

  private static ManagedChannelBuilder<?> builder(
      DiscoveryConfig config, ChannelCredentials credentials) throws CredentialsException {
    try {
      return Grpc.newChannelBuilderForAddress(
          config.address().getHost(), config.address().getPort(), credentials);
    } catch (IllegalArgumentException | ManagedChannelRegistry.ProviderNotFoundException e) {
      // What is in the files is looked at here, by the transport.
      throw new CredentialsException(
          List.of("the certificates cannot be used: " + Failure.reasons(e)));
    }
  }

  private static ChannelCredentials credentials(DiscoveryConfig.Tls tls)
      throws CredentialsException {
    TlsChannelCredentials.Builder builder = TlsChannelCredentials.newBuilder();
    try {
      if (tls.authorities().isPresent()) {
        builder.trustManager(tls.authorities().get().toFile());
      }
      if (tls.client().isPresent()) {
        builder.keyManager(tls.client().get().chain().toFile(), tls.client().get().key().toFile());
      }
    } catch (IOException e) {
      throw new CredentialsException(List.of(Failure.reasons(e)));
    }
    return builder.build();
  }

  /** Files that a connection is made of. */
  static List<Path> files(DiscoveryConfig config) {
    List<Path> files = new ArrayList<>();
    if (config.security() instanceof DiscoveryConfig.Tls tls) {
      tls.authorities().ifPresent(files::add);
      tls.client().ifPresent(client -> files.addAll(List.of(client.chain(), client.key())));
      tls.token().ifPresent(files::add);
    }
    return files;
  }

  private static void requireReadable(DiscoveryConfig.Tls tls) throws CredentialsException {
    List<String> problems = new ArrayList<>();
    tls.authorities().ifPresent(file -> read("authorities", file, problems));
    tls.client().ifPresent(client -> read("certificate", client.chain(), problems));
    tls.client().ifPresent(client -> read("key", client.key(), problems));
    tls.token().ifPresent(file -> read("token", file, problems));
    if (!problems.isEmpty()) {
      throw new CredentialsException(problems);
    }
  }

  private static void read(String what, Path file, List<String> problems) {
    try (InputStream content = Files.newInputStream(file)) {
      if (content.read() < 0) {
        problems.add("the %s file %s is empty".formatted(what, file));
      }
    } catch (NoSuchFileException e) {
      problems.add("the %s file %s does not exist".formatted(what, file));
    } catch (IOException e) {
      problems.add("the %s file %s cannot be read: %s".formatted(what, file, e.getMessage()));
    }
  }

  private static String token(Path file) throws CredentialsException {
    String token;
    try (InputStream content = Files.newInputStream(file)) {
      token = new String(content.readNBytes(LONGEST_TOKEN_BYTES + 1), UTF_8).strip();
    } catch (IOException e) {
      throw new CredentialsException(List.of(Failure.reasons(e)));
    }
    if (token.isEmpty()
        || token.length() > LONGEST_TOKEN_BYTES
        || !CharMatcher.inRange('!', '~').matchesAllOf(token)) {
      throw new CredentialsException(
          List.of(
              "the token file %s holds no token: expected one word of at most %d bytes of ASCII"
                  .formatted(file, LONGEST_TOKEN_BYTES)));
    }
    return token;
  }

  DeltaStream stream(DeltaStream.Receiver receiver) {
    return new DeltaStream(channel, headers, receiver);
  }

  @Override
  public void close() {
    channel.shutdownNow();
    try {
      channel.awaitTermination(CLOSE_PATIENCE_MS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** What tells that files have changed: sizes and times; empty where there are none. */
  static Optional<String> fingerprint(DiscoveryConfig config) {
    StringBuilder text = new StringBuilder();
    for (Path file : files(config)) {
      try {
        text.append(Files.getLastModifiedTime(file).toMillis())
            .append(' ')
            .append(Files.size(file))
            .append('\n');
      } catch (IOException e) {
        text.append("absent\n");
      }
    }
    return text.isEmpty() ? Optional.empty() : Optional.of(text.toString());
  }
}
