// SPDX-License-Identifier: Apache-2.0
package io.meshlens.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.net.HostAndPort;
import io.meshlens.vitals.Durations;
import io.meshlens.vitals.Readiness;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import io.prometheus.metrics.model.registry.Collector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.BindException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class TelemetryServerTest {
  private final Readiness readiness = new Readiness();
  private final PrometheusRegistry registry = new PrometheusRegistry();
  private final Vitals vitals = new Vitals();
  private final Scrapes scrapes = new Scrapes(System::nanoTime, new Durations(), vitals);
  private final ExecutorService pool = Executors.newFixedThreadPool(TelemetryServer.THREADS);
  private final HttpClient client = HttpClient.newHttpClient();
  private TelemetryServer server;

  @BeforeEach
  void serve() throws IOException {
    registry.register(
        () ->
            CounterSnapshot.builder()
                .name("cats")
                .dataPoint(CounterSnapshot.CounterDataPointSnapshot.builder().value(9).build())
                .build());
    server =
        new TelemetryServer(
            HostAndPort.fromParts("127.0.0.1", 0), registry, readiness, pool, scrapes);
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
    pool.shutdownNow();
  }

  private HttpResponse<String> ask(String method, String path)
      throws IOException, InterruptedException {
    URI uri = URI.create("http://127.0.0.1:" + server.address().getPort() + path);
    return client.send(
        HttpRequest.newBuilder(uri).method(method, BodyPublishers.noBody()).build(),
        BodyHandlers.ofString());
  }

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return ask("GET", path);
  }

  @Test
  void healthIsGoodWhileTheServerRunsReadyOrNot() throws Exception {
    readiness.hold("kernel", "not attached");

    assertThat(get("/healthz").statusCode()).isEqualTo(200);
    assertThat(get("/healthz").body()).isEqualTo("ok\n");
  }

  @Test
  void healthIs503WithTheReasonsWhenAPartHasDied() throws Exception {
    readiness.fail("ring-reader", "its thread died by an error");

    assertThat(get("/healthz").statusCode()).isEqualTo(503);
    assertThat(get("/healthz").body())
        .isEqualTo("not healthy\nfailed: ring-reader: its thread died by an error\n");
    assertThat(get("/readyz").statusCode()).isEqualTo(503);
  }

  @Test
  void notReadyIs503WithTheReasons() throws Exception {
    readiness.hold("kernel", "not attached");

    HttpResponse<String> answer = get("/readyz");

    assertThat(answer.statusCode()).isEqualTo(503);
    assertThat(answer.body()).isEqualTo("not ready\nwaiting: kernel: not attached\n");
  }

  @Test
  void readyIs200() throws Exception {
    readiness.hold("kernel", "not attached");
    readiness.release("kernel");

    HttpResponse<String> answer = get("/readyz");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).isEqualTo("ready\n");
  }

  @Test
  void metricsAreThoseOfTheRegistry() throws Exception {
    HttpResponse<String> answer = get("/metrics");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("Content-Type"))
        .hasValueSatisfying(type -> assertThat(type).startsWith("text/plain"));
    assertThat(answer.body().lines()).contains("cats_total 9.0");
  }

  @Test
  void openMetricsIsServedOnRequest() throws Exception {
    HttpResponse<String> answer =
        client.send(
            HttpRequest.newBuilder(
                    URI.create("http://127.0.0.1:" + server.address().getPort() + "/metrics"))
                .header("Accept", "application/openmetrics-text; version=1.0.0")
                .build(),
            BodyHandlers.ofString());

    assertThat(answer.body()).endsWith("# EOF\n");
  }

  @Test
  void scrapesBeyondTheLimitAreRefusedAndCountedAndProbesAreAnsweredMeanwhile() throws Exception {
    CountDownLatch collecting = new CountDownLatch(Scrapes.AT_A_TIME);
    CountDownLatch mayGoOn = new CountDownLatch(1);
    registry.register(
        () -> {
          collecting.countDown();
          await(mayGoOn);
          return GaugeSnapshot.builder().name("slow").build();
        });
    List<CompletableFuture<HttpResponse<String>>> slow = new ArrayList<>();
    for (int i = 0; i < Scrapes.AT_A_TIME; i++) {
      slow.add(client.sendAsync(request("/metrics"), BodyHandlers.ofString()));
    }
    await(collecting);

    HttpResponse<String> refused = get("/metrics");
    HttpResponse<String> probe = get("/healthz");
    mayGoOn.countDown();

    assertThat(refused.statusCode()).isEqualTo(503);
    assertThat(refused.headers().firstValue("Retry-After")).contains("1");
    assertThat(refused.body()).isEqualTo("busy: 2 scrapes are under way\n");
    assertThat(probe.statusCode()).isEqualTo(200);
    assertThat(vitals.get(Vital.SCRAPES_REFUSED)).isEqualTo(1);
    for (CompletableFuture<HttpResponse<String>> each : slow) {
      assertThat(each.get(30, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
    }
    assertThat(get("/metrics").statusCode()).isEqualTo(200);
  }

  private HttpRequest request(String path) {
    return HttpRequest.newBuilder(
            URI.create("http://127.0.0.1:" + server.address().getPort() + path))
        .build();
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void compressedIsServedOnRequest() throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + server.address().getPort() + "/metrics"))
            .header("Accept-Encoding", "gzip")
            .build();
    HttpResponse<byte[]> answer = client.send(request, BodyHandlers.ofByteArray());

    assertThat(answer.headers().firstValue("Content-Encoding")).contains("gzip");
    try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(answer.body()))) {
      assertThat(new String(in.readAllBytes(), UTF_8).lines()).contains("cats_total 9.0");
    }
  }

  @Test
  void collectionThatFailsIsAnErrorOfTheServerAndNotItsEnd() throws Exception {
    Collector broken =
        () -> {
          throw new IllegalStateException("no numbers today");
        };
    registry.register(broken);

    assertThat(get("/metrics").statusCode()).isEqualTo(500);
    assertThat(get("/healthz").statusCode()).isEqualTo(200);
  }

  @Test
  void indexNamesThePages() throws Exception {
    assertThat(get("/").statusCode()).isEqualTo(200);
    assertThat(get("/").body()).contains("/metrics", "/healthz", "/readyz");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/none", "/healthz/none", "/readyzz", "/index.html"})
  void anyOtherPathIsNotFound(String path) throws Exception {
    assertThat(get(path).statusCode()).isEqualTo(404);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/", "/healthz", "/readyz", "/metrics"})
  void writingIsNotAllowed(String path) throws Exception {
    HttpResponse<String> answer = ask("POST", path);

    assertThat(answer.statusCode()).isEqualTo(405);
    assertThat(answer.headers().firstValue("Allow")).contains("GET, HEAD");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/", "/healthz", "/readyz"})
  void headIsTheAnswerWithoutItsBody(String path) throws Exception {
    HttpResponse<String> answer = ask("HEAD", path);

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).isEmpty();
    assertThat(answer.headers().firstValue("Content-Type")).contains("text/plain; charset=utf-8");
  }

  @Test
  void addressInUseCannotBeBound() {
    HostAndPort taken = HostAndPort.fromParts("127.0.0.1", server.address().getPort());

    assertThatThrownBy(() -> new TelemetryServer(taken, registry, readiness, pool, scrapes).close())
        .isInstanceOf(BindException.class);
  }

  @Test
  void closedServerAnswersNoMore() {
    server.close();

    assertThatThrownBy(() -> get("/healthz")).isInstanceOf(IOException.class);
  }
}
