// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * A real Kubernetes API server with its etcd, on free ports of the loopback interface. Nobody
 * schedules or runs pods: the test says what became of them.
 *
 * <p>{@code MESHLENS_KUBE_BIN} names the directory with {@code kube-apiserver}; {@code etcd} is
 * there too, or on the path, or where scripts/kubernetes-test.sh unpacks it.
 */
final class ApiServer implements AutoCloseable {
  static final String BINARIES = "MESHLENS_KUBE_BIN";
  static final String ADMIN = "admin-token";

  private static final Duration START = Duration.ofSeconds(60);

  private final Path work;
  private final int etcdPort = freePort();
  private final int peerPort = freePort();
  private final int port = freePort();
  private final List<Process> processes = new ArrayList<>();
  private HttpClient http = HttpClient.newHttpClient();

  /** Who may sign in with which token, besides the admin: lines of a token file. */
  private final List<String> accounts;

  ApiServer(Path work, List<String> accounts)
      throws IOException, InterruptedException, GeneralSecurityException {
    this.work = work;
    this.accounts = accounts;
    try {
      startEtcd();
      start();
    } catch (IOException | InterruptedException | GeneralSecurityException e) {
      close();
      throw e;
    }
  }

  private static int freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Path binaries() {
    return Path.of(Objects.requireNonNull(System.getenv(BINARIES), BINARIES));
  }

  private static Path cache() {
    String named = System.getenv("XDG_CACHE_HOME");
    return named == null ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(named);
  }

  private static String etcd() {
    for (Path candidate :
        List.of(
            binaries().resolve("etcd"),
            Path.of("/usr/bin/etcd"),
            cache().resolve("meshlens/kube/etcd/usr/bin/etcd"))) {
      if (Files.isExecutable(candidate)) {
        return candidate.toString();
      }
    }
    throw new IllegalStateException("no etcd; run scripts/kubernetes-test.sh, which unpacks it");
  }

  private void startEtcd() throws IOException {
    String client = "http://127.0.0.1:" + etcdPort;
    String peer = "http://127.0.0.1:" + peerPort;
    run(
        "etcd",
        etcd(),
        "--data-dir=" + work.resolve("etcd"),
        "--listen-client-urls=" + client,
        "--advertise-client-urls=" + client,
        "--listen-peer-urls=" + peer,
        "--initial-advertise-peer-urls=" + peer,
        "--initial-cluster=default=" + peer,
        "--unsafe-no-fsync");
  }

  /** Starts the server, also anew after {@link #stop}, with the same port and data. */
  void start() throws IOException, InterruptedException, GeneralSecurityException {
    Path key = work.resolve("sa.key");
    if (!Files.exists(key)) {
      new ProcessBuilder("openssl", "genrsa", "-out", key.toString(), "2048")
          .redirectErrorStream(true)
          .redirectOutput(ProcessBuilder.Redirect.DISCARD)
          .start()
          .waitFor();
    }
    List<String> tokens = new ArrayList<>(accounts);
    tokens.add(ADMIN + ",admin,1,\"system:masters\"");
    Files.write(work.resolve("tokens.csv"), tokens);
    run(
        "apiserver",
        binaries().resolve("kube-apiserver").toString(),
        "--etcd-servers=http://127.0.0.1:" + etcdPort,
        "--cert-dir=" + work.resolve("certs"),
        "--bind-address=127.0.0.1",
        "--secure-port=" + port,
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--service-account-issuer=https://localhost",
        "--service-account-key-file=" + key,
        "--service-account-signing-key-file=" + key,
        "--token-auth-file=" + work.resolve("tokens.csv"),
        "--authorization-mode=RBAC",
        "--disable-admission-plugins=ServiceAccount",
        "--max-requests-inflight=2000",
        "--max-mutating-requests-inflight=1000");
    awaitReady();
  }

  private void run(String name, String... command) throws IOException {
    processes.add(
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(work.resolve(name + ".log").toFile()))
            .start());
  }

  private void awaitReady() throws IOException, InterruptedException, GeneralSecurityException {
    Instant deadline = Instant.now().plus(START);
    String last = "no certificate yet";
    while (Instant.now().isBefore(deadline)) {
      if (Files.exists(certificateAuthority())) {
        http = HttpClient.newBuilder().sslContext(trusting(certificateAuthority())).build();
        try {
          last = get("readyz");
          if (last.equals("ok")) {
            return;
          }
        } catch (IOException | IllegalStateException e) {
          last = e.toString();
        }
      }
      Thread.sleep(200);
    }
    throw new IllegalStateException("the API server did not start: " + last);
  }

  private static SSLContext trusting(Path pem) throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (InputStream in = Files.newInputStream(pem)) {
      int number = 0;
      for (Certificate each : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        store.setCertificateEntry("c" + number++, each);
      }
    }
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  /** Ends the server, not its data. */
  void stop() {
    end(processes.removeLast());
  }

  private static void end(Process process) {
    process.destroy();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  URI uri() {
    return URI.create("https://127.0.0.1:" + port);
  }

  Path certificateAuthority() {
    return work.resolve("certs/apiserver.crt");
  }

  String get(String path) throws IOException, InterruptedException {
    return send("GET", path, "application/json", "");
  }

  void create(String path, String body) throws IOException, InterruptedException {
    var _ = send("POST", path, "application/json", body);
  }

  void patch(String path, String body) throws IOException, InterruptedException {
    var _ = send("PATCH", path, "application/merge-patch+json", body);
  }

  void delete(String path) throws IOException, InterruptedException {
    var _ = send("DELETE", path, "application/json", "{\"gracePeriodSeconds\":0}");
  }

  private String send(String method, String path, String type, String body)
      throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(uri() + "/" + path))
            .timeout(Duration.ofSeconds(20))
            .header("Authorization", "Bearer " + ADMIN)
            .header("Content-Type", type)
            .method(method, HttpRequest.BodyPublishers.ofString(body, UTF_8))
            .build();
    HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() / 100 != 2) {
      throw new IllegalStateException(method + " " + path + ": " + response.body());
    }
    return response.body();
  }

  @Override
  public void close() {
    while (!processes.isEmpty()) {
      end(processes.removeLast());
    }
  }
}
