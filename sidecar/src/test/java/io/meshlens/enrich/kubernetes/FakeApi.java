// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Not an API server: it answers what a test tells it to, such as garbage, which no real one can be
 * made to do. What is asked beyond that gets empty lists, and watches that bring nothing.
 */
final class FakeApi implements AutoCloseable {
  /** One answer. */
  interface Answer {
    void give(HttpExchange exchange) throws IOException;
  }

  private final HttpServer server;
  private final ExecutorService pool = Executors.newCachedThreadPool();
  private final Map<String, Queue<Answer>> answers = new ConcurrentHashMap<>();
  private final CountDownLatch closing = new CountDownLatch(1);

  /** Path, query and token of each request, in order. */
  final List<String> asked = new CopyOnWriteArrayList<>();

  FakeApi() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(pool);
    server.createContext("/", this::answer);
    server.start();
  }

  URI uri() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  /** The next answer to a list of, or to a watch on, a path such as {@code api/v1/pods}. */
  void next(String what, Answer answer) {
    answers.computeIfAbsent(what, w -> new ConcurrentLinkedQueue<>()).add(answer);
  }

  private void answer(HttpExchange exchange) throws IOException {
    asked.add(
        exchange.getRequestURI().getPath()
            + "?"
            + exchange.getRequestURI().getQuery()
            + " "
            + exchange.getRequestHeaders().getFirst("Authorization"));
    boolean isWatch = String.valueOf(exchange.getRequestURI().getQuery()).startsWith("watch=1");
    String what = (isWatch ? "watch " : "list ") + exchange.getRequestURI().getPath().substring(1);
    Answer answer = answers.getOrDefault(what, new ConcurrentLinkedQueue<>()).poll();
    try (exchange) {
      if (answer != null) {
        answer.give(exchange);
      } else if (isWatch) {
        silence("").give(exchange);
      } else {
        text(200, list("")).give(exchange);
      }
    }
  }

  static String list(String items) {
    return "{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"100\"},\"items\":["
        + items
        + "]}";
  }

  static Answer text(int code, String body) {
    return exchange -> {
      byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(code, bytes.length == 0 ? -1 : bytes.length);
      try (OutputStream out = exchange.getResponseBody()) {
        out.write(bytes);
      }
    };
  }

  /** Promises more than it sends, then hangs up. */
  static Answer cut(String body) {
    return exchange -> {
      byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(200, bytes.length + 1000);
      exchange.getResponseBody().write(bytes);
      exchange.getResponseBody().flush();
    };
  }

  /** Sends this and nothing more, without an end. */
  Answer silence(String body) {
    return exchange -> {
      exchange.sendResponseHeaders(200, 0);
      exchange.getResponseBody().write(body.getBytes(StandardCharsets.UTF_8));
      exchange.getResponseBody().flush();
      try {
        closing.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    };
  }

  @Override
  public void close() {
    closing.countDown();
    server.stop(0);
    pool.shutdownNow();
  }
}
