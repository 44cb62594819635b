// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/**
 * The transport to the receiver, made anew when the files of TLS have changed. Files that cannot be
 * used leave the transport as it is. Owned by: export-otlp.
 */
final class OtlpConnection implements AutoCloseable {
  private final OtlpConfig config;
  private final Vitals vitals;
  private final Log log;
  private volatile @Nullable OtlpTransport transport;
  private TlsFiles.@Nullable Stamp stamp;

  OtlpConnection(OtlpConfig config, Vitals vitals, Log log) {
    this.config = config;
    this.vitals = vitals;
    this.log = log;
  }

  /**
   * What to send by now.
   *
   * @throws IOException when there is none, because the files of TLS were never good
   */
  OtlpTransport transport() throws IOException {
    OtlpTransport before = transport;
    if (before != null && !config.isTls()) {
      return before;
    }
    TlsFiles.Stamp now = config.tls().stamp();
    if (before != null && now.equals(stamp)) {
      return before;
    }
    try {
      OtlpTransport made = make();
      if (before != null) {
        before.close();
        vitals.increment(Vital.OTLP_TLS_RELOADED);
        log.info("the TLS files for OTLP receiver " + config.target() + " are read again");
      }
      stamp = now;
      transport = made;
      return made;
    } catch (IOException | GeneralSecurityException e) {
      vitals.increment(Vital.OTLP_TLS_RELOAD_FAILED);
      if (before == null) {
        throw new IOException("the TLS files cannot be used: " + Causes.text(e), e);
      }
      log.warnRepeated(
          "otlp-tls",
          "the TLS files for OTLP receiver %s have changed and cannot be used; those before stay: %s"
              .formatted(config.target(), Causes.text(e)));
      return before;
    }
  }

  private OtlpTransport make() throws IOException, GeneralSecurityException {
    TlsFiles.Loaded loaded = (config.isTls() ? config.tls() : TlsFiles.NONE).load();
    return switch (config.protocol()) {
      case GRPC -> new OtlpGrpc(config, loaded);
      case HTTP_PROTOBUF -> new OtlpHttp(config, loaded, InstantSource.system());
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
