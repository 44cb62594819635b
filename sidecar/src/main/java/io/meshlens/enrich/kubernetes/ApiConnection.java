// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.http.AsyncBody;
import io.fabric8.kubernetes.client.http.HttpClient;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.HttpResponse;
import io.fabric8.kubernetes.client.jdkhttp.JdkHttpClientFactory;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Reads from one API server: where it is, TLS and signing in are the client library's, and bodies
 * are streams. Safe for any thread.
 */
final class ApiConnection implements AutoCloseable {
  private static final Duration CONNECT = Duration.ofSeconds(10);
  private static final int MOST_OF_A_MESSAGE = 300;

  private final Config config;
  private final HttpClient http;
  private final Duration idle;

  private ApiConnection(Config config, Duration idle) {
    this.config = config;
    this.idle = idle;
    config.setConnectionTimeout((int) CONNECT.toMillis());
    // Requests are tried again by whoever makes them, and a watch lasts.
    config.setRequestRetryBackoffLimit(0);
    config.setRequestTimeout(0);
    config.setUserAgent("meshlens");
    http = new JdkHttpClientFactory().newBuilder(config).build();
  }

  /**
   * Prepares the connection; nothing is sent yet.
   *
   * @throws IOException when a file that is needed for it cannot be read
   */
  static ApiConnection open(KubernetesConfig config) throws IOException {
    try {
      return new ApiConnection(client(config), config.idle());
    } catch (RuntimeException e) {
      throw new IOException("the Kubernetes API cannot be asked: " + e.getMessage(), e);
    }
  }

  private static Config client(KubernetesConfig config) throws IOException {
    if (config.kubeconfig().isPresent()) {
      Path file = config.kubeconfig().get();
      if (!Files.isReadable(file)) {
        throw new IOException(file + ": no such file, or not readable");
      }
      return Config.fromKubeconfig(file.toFile());
    }
    // Only the environment, which names the API server in every pod.
    System.setProperty(Config.KUBERNETES_AUTH_TRYKUBECONFIG_SYSTEM_PROPERTY, "false");
    String server =
        config
            .apiServer()
            .map(Object::toString)
            .orElseGet(() -> Config.autoConfigure(null).getMasterUrl());
    ConfigBuilder builder =
        new ConfigBuilder(Config.empty())
            .withMasterUrl(server.endsWith("/") ? server : server + "/")
            .withOauthTokenProvider(() -> token(config.tokenFile()));
    if (Files.isReadable(config.certificateAuthority())) {
      builder.withCaCertFile(config.certificateAuthority().toString());
    }
    return builder.build();
  }

  /** As it is now: kubelet replaces it long before it expires. */
  private static String token(Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      return ""; // the server will say that somebody unknown asks
    }
  }

  /** URL of the API server. */
  String server() {
    return config.getMasterUrl();
  }

  /**
   * Asks and waits for the beginning of the answer.
   *
   * @param bodyIdle how long the body may bring nothing
   * @throws ApiFailure when the answer is not 200
   */
  InputStream get(String pathAndQuery, String accept, Duration bodyIdle) throws IOException {
    HttpRequest request =
        http.newHttpRequestBuilder()
            .uri(config.getMasterUrl() + pathAndQuery)
            .header("Accept", accept)
            .build();
    BodyStream body = new BodyStream(bodyIdle);
    CompletableFuture<HttpResponse<AsyncBody>> asked = http.consumeBytes(request, body);
    HttpResponse<AsyncBody> response = await(asked);
    body.start(response.body());
    if (response.code() == 200) {
      return body;
    }
    try (body) {
      String text = new String(body.readNBytes(4096), StandardCharsets.UTF_8);
      throw new ApiFailure(response.code(), response.code() + ", " + messageOf(text));
    }
  }

  private HttpResponse<AsyncBody> await(CompletableFuture<HttpResponse<AsyncBody>> asked)
      throws IOException {
    try {
      return asked.get(idle.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      asked.cancel(true);
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("ending");
    } catch (TimeoutException e) {
      asked.cancel(true);
      throw new SocketTimeoutException(
          "the Kubernetes API did not answer within " + idle.toMillis() + " ms");
    } catch (ExecutionException e) {
      throw new IOException("the Kubernetes API cannot be reached: " + e.getCause(), e);
    }
  }

  /** What the server says in an answer, or the answer's beginning. */
  private static String messageOf(String text) {
    String message = StatusMessage.of(text).orElse(text.isBlank() ? "no more said" : text.strip());
    return message.length() <= MOST_OF_A_MESSAGE
        ? message
        : message.substring(0, MOST_OF_A_MESSAGE) + "...";
  }

  @Override
  public void close() {
    http.close();
  }
}
