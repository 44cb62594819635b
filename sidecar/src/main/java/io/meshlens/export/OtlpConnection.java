// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.export.Answer.Accepted;
import io.meshlens.export.Answer.Cause;
import io.meshlens.export.Answer.Failed;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The connection to an OTLP receiver, for metrics and log records alike.
 *
 * <p>Guarantees: files of TLS that have changed are in force within a second, from the next request
 * on; files that cannot be used leave those before in force. Every failure is an answer. Owned by:
 * the thread that sends, but for {@link #cancel}.
 */
final class OtlpConnection implements AutoCloseable {
  private static final Duration LOOK_AT_FILES = Duration.ofSeconds(1);
  private static final int SHOWN_CHARS = 300;

  private final OtlpReceiver receiver;
  private final OtlpSignal signal;
  private final LongSupplier monoNs;
  private final Vitals vitals;
  private final Log log;
  private volatile @Nullable OtlpTransport transport;
  private TlsFiles.@Nullable Stamp stamp;
  private long filesSeenNs;

  /**
   * Connects to nobody yet.
   *
   * @param monoNs the monotonic clock, nanoseconds
   */
  OtlpConnection(
      OtlpReceiver receiver, OtlpSignal signal, LongSupplier monoNs, Vitals vitals, Log log) {
    this.receiver = receiver;
    this.signal = signal;
    this.monoNs = monoNs;
    this.vitals = vitals;
    this.log = log;
  }

  /** As the other {@code send}, for as long as the receiver is configured to have. */
  Answer send(byte[] request) throws InterruptedException {
    return send(request, receiver.timeout());
  }

  /**
   * Sends an encoded request and waits for the answer, at most that long; says what of it the
   * receiver rejects.
   *
   * @throws InterruptedException when this thread was told to end
   */
  Answer send(byte[] request, Duration timeout) throws InterruptedException {
    OtlpTransport current;
    try {
      current = transport();
    } catch (IOException e) {
      return new Failed(Cause.TLS, String.valueOf(e.getMessage()));
    }
    return switch (current.send(request, timeout)) {
      case Accepted accepted -> {
        if (accepted.rejected() > 0) {
          log.warnRepeated(
              signal.settings() + "-rejected",
              "OTLP receiver %s rejected %d %s: %s"
                  .formatted(
                      target(),
                      accepted.rejected(),
                      signal.things(),
                      Causes.printable(accepted.message(), SHOWN_CHARS)));
        }
        yield accepted;
      }
      case Failed failed ->
          new Failed(
              failed.cause(),
              failed.message() + OtlpRemedy.of(failed, receiver, signal),
              failed.retryAfter());
    };
  }

  /** As it may be shown. */
  String target() {
    return receiver.target();
  }

  /**
   * What to send by now.
   *
   * @throws IOException when there is none, because the files of TLS were never good
   */
  private OtlpTransport transport() throws IOException {
    OtlpTransport before = transport;
    if (before != null && !receiver.isTls()) {
      return before;
    }
    long nowNs = monoNs.getAsLong();
    if (before != null && nowNs - filesSeenNs < LOOK_AT_FILES.toNanos()) {
      return before;
    }
    filesSeenNs = nowNs;
    TlsFiles.Stamp now = receiver.tls().stamp();
    if (before != null && now.equals(stamp)) {
      return before;
    }
    try {
      OtlpTransport made = make();
      if (before != null) {
        before.close();
        vitals.increment(signal.tlsReloaded());
        log.info("the files of " + signal.settings() + ".tls have changed and are in force");
      }
      stamp = now;
      transport = made;
      return made;
    } catch (IOException | GeneralSecurityException e) {
      vitals.increment(signal.tlsReloadFailed());
      if (before == null) {
        throw new IOException(
            "the files of %s.tls cannot be used: %s".formatted(signal.settings(), Causes.text(e)),
            e);
      }
      log.warnRepeated(
          signal.settings() + "-tls",
          "the files of %s.tls have changed and cannot be used; those before stay: %s"
              .formatted(signal.settings(), Causes.text(e)));
      return before;
    }
  }

  private OtlpTransport make() throws IOException, GeneralSecurityException {
    TlsFiles.Loaded loaded = (receiver.isTls() ? receiver.tls() : TlsFiles.NONE).load();
    return switch (receiver.protocol()) {
      case GRPC -> new OtlpGrpc(receiver, signal, loaded);
      case HTTP_PROTOBUF -> new OtlpHttp(receiver, signal, loaded, InstantSource.system());
    };
  }

  /** Ends the request that is under way; for any thread. */
  void cancel() {
    OtlpTransport made = transport;
    if (made != null) {
      made.cancel();
    }
  }

  @Override
  public void close() {
    OtlpTransport made = transport;
    if (made != null) {
      made.close();
    }
  }
}
