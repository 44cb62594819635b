// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshlens.export.Answer.Cause;
import io.meshlens.export.OtlpReceiver.Compression;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.GeneralSecurityException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.InstantSource;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPOutputStream;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** OTLP as POST of protobuf, on the JDK's client. */
final class OtlpHttp implements OtlpTransport {
  private static final String PROTOBUF = "application/x-protobuf";

  /** What a proxy or a server that is no OTLP receiver says is cut to this. */
  private static final int SHOWN_BODY_CHARS = 200;

  private final OtlpReceiver receiver;
  private final URI url;
  private final Pattern jsonRejected;
  private final InstantSource clock;
  private final HttpClient client;
  private volatile @Nullable CompletableFuture<?> current;

  OtlpHttp(OtlpReceiver receiver, OtlpSignal signal, TlsFiles.Loaded tls, InstantSource clock)
      throws GeneralSecurityException {
    this.receiver = receiver;
    this.url = receiver.url(signal);
    this.jsonRejected = Pattern.compile("\"" + signal.rejectedKey() + "\"\\s*:\\s*\"?(\\d{1,18})");
    this.clock = clock;
    HttpClient.Builder builder =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(receiver.timeout());
    if (receiver.isTls()) {
      builder.sslContext(tls.context());
    }
    client = builder.build();
  }

  @Override
  public Answer send(byte[] request, Duration timeout) throws InterruptedException {
    HttpRequest.Builder builder =
        HttpRequest.newBuilder(url)
            .header("Content-Type", PROTOBUF)
            .header("User-Agent", "meshlens");
    boolean gzip = receiver.compression() == Compression.GZIP;
    if (gzip) {
      builder.header("Content-Encoding", "gzip");
    }
    receiver.headers().forEach(header -> builder.setHeader(header.name(), header.value()));
    builder.POST(new SlicedBody(gzip ? gzip(request) : request));
    // The client's own timeout ends with the header of the answer; this one has the body too.
    CompletableFuture<HttpResponse<byte[]>> future =
        client.sendAsync(
            builder.build(), BodyHandlers.limiting(BodyHandlers.ofByteArray(), MAX_ANSWER_BYTES));
    current = future;
    try {
      return answer(future.get(timeout.toNanos(), TimeUnit.NANOSECONDS));
    } catch (TimeoutException e) {
      return new Answer.Failed(Cause.TIMEOUT, "no answer in " + timeout.toMillis() + " ms");
    } catch (ExecutionException e) {
      return failed(e.getCause());
    } catch (CancellationException e) {
      return new Answer.Failed(Cause.TIMEOUT, "given up, because the program ends");
    } finally {
      // Also closes the connection of a request that is still under way.
      future.cancel(true);
      current = null;
    }
  }

  private static byte[] gzip(byte[] request) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(request.length / 4 + 64);
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(request);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static Answer failed(@Nullable Throwable cause) {
    String message = Causes.text(cause);
    if (Causes.has(cause, SSLException.class)) {
      return new Answer.Failed(Cause.TLS, message);
    }
    return cause instanceof IOException
        ? new Answer.Failed(Cause.UNREACHABLE, message)
        : new Answer.Failed(Cause.REFUSED, message);
  }

  private Answer answer(HttpResponse<byte[]> response) {
    int status = response.statusCode();
    if (status >= 200 && status < 300) {
      return accepted(response);
    }
    String message = "HTTP status " + status + shown(response);
    Optional<Duration> wait =
        response.headers().firstValue("Retry-After").flatMap(this::retryAfter);
    return switch (status) {
      case 429, 502, 503, 504 -> new Answer.Failed(Cause.UNAVAILABLE, message, wait);
      case 400, 413 -> new Answer.Failed(Cause.INVALID, message);
      default -> new Answer.Failed(Cause.REFUSED, message, wait);
    };
  }

  private Answer accepted(HttpResponse<byte[]> response) {
    byte[] body = response.body();
    String type = type(response);
    if (body.length == 0) {
      return new Answer.Accepted(0, "");
    }
    if (type.startsWith("application/json")) {
      Matcher rejected = jsonRejected.matcher(new String(body, UTF_8));
      return new Answer.Accepted(
          rejected.find() ? Long.parseLong(rejected.group(1)) : 0, new String(body, UTF_8));
    }
    try {
      return PartialSuccess.parse(body);
    } catch (IOException e) {
      return new Answer.Failed(
          Cause.GARBAGE,
          "HTTP status %d and %d bytes of %s, which are no answer of an OTLP receiver%s"
              .formatted(
                  response.statusCode(),
                  body.length,
                  type.isEmpty() ? "no type" : type,
                  shown(response)));
    }
  }

  private static String type(HttpResponse<?> response) {
    return response.headers().firstValue("Content-Type").orElse("").toLowerCase(Locale.ROOT);
  }

  /** The beginning of a text. */
  private static String shown(HttpResponse<byte[]> response) {
    String type = type(response);
    if (!type.startsWith("text/") && !type.startsWith("application/json")) {
      return "";
    }
    String text = new String(response.body(), UTF_8).strip();
    return text.isEmpty() ? "" : ": " + Causes.printable(text, SHOWN_BODY_CHARS);
  }

  /** Seconds, or the date of RFC 9110. */
  private Optional<Duration> retryAfter(String text) {
    if (text.matches("\\d{1,9}")) {
      return Optional.of(Duration.ofSeconds(Long.parseLong(text)));
    }
    try {
      Duration wait =
          Duration.between(
              clock.instant(),
              ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant());
      return Optional.of(wait.isNegative() ? Duration.ZERO : wait);
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }

  @Override
  public void cancel() {
    CompletableFuture<?> future = current;
    if (future != null) {
      future.cancel(true);
    }
  }

  @Override
  public void close() {
    client.shutdownNow();
  }
}
