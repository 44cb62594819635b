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
  private static final int BACKLOG = 16;

  private static final String INDEX =
      """
      meshlens
        /metrics  Prometheus text, OpenMetrics on request
        /healthz  200 while the program runs
        /readyz   200 when connections are being watched, 503 with the reasons before
      """;

  private final HttpServer server;

  /**
   * Binds and starts.
   *
   * @param executor runs the handlers
   * @throws IOException when the address cannot be bound
   */
  public TelemetryServer(
      HostAndPort address, PrometheusRegistry registry, Readiness readiness, Executor executor)
      throws IOException {
    server =
        HttpServer.create(
            new InetSocketAddress(InetAddress.getByName(address.getHost()), address.getPort()),
            BACKLOG);
    server.setExecutor(executor);
    handle("/metrics", new MetricsHandler(registry));
    handle("/healthz", exchange -> answer(exchange, 200, "ok\n"));
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

  private static void ready(HttpExchange exchange, Readiness readiness) throws IOException {
    boolean ready = readiness.isReady();
    StringBuilder text = new StringBuilder(ready ? "ready\n" : "not ready\n");
    readiness.lines().forEach(line -> text.append(line).append('\n'));
    answer(exchange, ready ? 200 : 503, text.toString());
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
