// SPDX-License-Identifier: Apache-2.0
package io.meshlens.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.common.net.HostAndPort;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import io.meshlens.vitals.Readiness;
import io.prometheus.metrics.exporter.httpserver.MetricsHandler;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.Executor;

/** Serves {@code /metrics}, {@code /healthz} and {@code /readyz}. */
public final class TelemetryServer implements AutoCloseable {
  /** Of the executor; more than {@link Scrapes} takes, so that probes are always answered. */
  public static final int THREADS = Scrapes.AT_A_TIME + 2;

  private static final int BACKLOG = 16;

  static {
    // A client that sends its request, or reads its answer, too slowly must not hold a thread for
    // ever. The JDK's server has system properties for that only, and reads them once.
    setDefault("sun.net.httpserver.maxReqTime", "10");
    setDefault("sun.net.httpserver.maxRspTime", "60");
    setDefault("jdk.httpserver.maxConnections", "256");
  }

  private static final String INDEX =
      """
      meshlens
        /metrics  Prometheus text; OpenMetrics and protobuf on request
        /healthz  200 while the program runs, 503 with the reasons when a part of it has died
        /readyz   200 when connections are being watched, 503 with the reasons before
      """;

  private final HttpServer server;

  /**
   * Binds and starts.
   *
   * @param executor runs the handlers, in {@link #THREADS} threads
   * @param scrapes how many scrapes may be under way, and what they take
   * @throws IOException when the address cannot be bound
   */
  public TelemetryServer(
      HostAndPort address,
      PrometheusRegistry registry,
      Readiness readiness,
      Executor executor,
      Scrapes scrapes)
      throws IOException {
    server =
        HttpServer.create(
            new InetSocketAddress(InetAddress.getByName(address.getHost()), address.getPort()),
            BACKLOG);
    server.setExecutor(executor);
    HttpHandler page = new MetricsHandler(registry);
    handle("/metrics", exchange -> scrape(exchange, page, scrapes));
    handle("/healthz", exchange -> healthy(exchange, readiness));
    handle("/readyz", exchange -> ready(exchange, readiness));
    handle("/", exchange -> answer(exchange, 200, INDEX));
    server.start();
  }

  /** Contexts match by prefix: anything longer than the path itself is somebody's mistake. */
  private void handle(String path, HttpHandler handler) {
    server.createContext(
        path,
        exchange -> {
          if (exchange.getRequestURI().getPath().equals(path)) {
            handler.handle(exchange);
          } else {
            answer(exchange, 404, "not found; try /\n");
          }
        });
  }

  private static void setDefault(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }

  private static void scrape(HttpExchange exchange, HttpHandler page, Scrapes scrapes)
      throws IOException {
    String method = exchange.getRequestMethod();
    if (!method.equals("GET") && !method.equals("HEAD")) {
      answer(exchange, 405, "");
    } else if (!scrapes.run(() -> page.handle(exchange))) {
      exchange.getResponseHeaders().set("Retry-After", "1");
      answer(exchange, 503, "busy: %d scrapes are under way\n".formatted(Scrapes.AT_A_TIME));
    }
  }

  private static void healthy(HttpExchange exchange, Readiness readiness) throws IOException {
    answer(
        exchange,
        readiness.isHealthy() ? 200 : 503,
        readiness.isHealthy() ? "ok\n" : text("not healthy\n", readiness));
  }

  private static void ready(HttpExchange exchange, Readiness readiness) throws IOException {
    boolean ready = readiness.isReady();
    answer(exchange, ready ? 200 : 503, text(ready ? "ready\n" : "not ready\n", readiness));
  }

  private static String text(String first, Readiness readiness) {
    StringBuilder text = new StringBuilder(first);
    readiness.lines().forEach(line -> text.append(line).append('\n'));
    return text.toString();
  }

  private static void answer(HttpExchange exchange, int status, String text) throws IOException {
    try (exchange) {
      String method = exchange.getRequestMethod();
      boolean head = method.equals("HEAD");
      if (!head && !method.equals("GET")) {
        exchange.getResponseHeaders().set("Allow", "GET, HEAD");
        exchange.sendResponseHeaders(405, -1);
        return;
      }
      byte[] body = text.getBytes(UTF_8);
      exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
      exchange.sendResponseHeaders(status, head ? -1 : body.length);
      if (!head) {
        exchange.getResponseBody().write(body);
      }
    }
  }

  /** The bound address, with the real port when 0 was asked for. */
  public InetSocketAddress address() {
    return server.getAddress();
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
