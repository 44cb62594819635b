// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.export.Answer.Failed;
import java.util.Optional;

/** What to do about a request that failed, where the failure says enough. */
final class OtlpRemedy {
  private OtlpRemedy() {}

  /** Begins with a semicolon, or is empty. */
  static String of(Failed failed, OtlpReceiver receiver, OtlpSignal signal) {
    Optional<TlsTrouble> trouble =
        switch (failed.cause()) {
          case TLS, UNREACHABLE, UNAVAILABLE ->
              receiver.isTls()
                  ? TlsTrouble.overTls(failed.message())
                  : TlsTrouble.overPlain(failed.message());
          case TIMEOUT, REFUSED, INVALID, GARBAGE -> Optional.empty();
        };
    return trouble.map(known -> of(known, receiver, signal.settings())).orElse("");
  }

  private static String of(TlsTrouble trouble, OtlpReceiver receiver, String settings) {
    return switch (trouble) {
      case NO_TLS_THERE ->
          "; the receiver does not speak TLS: set %s.endpoint to http:// or another port"
              .formatted(settings);
      case OTHER_NAME ->
          "; the receiver's certificate is for another name: set the host of %s.endpoint to it"
              .formatted(settings);
      case NOT_TRUSTED ->
          "; the receiver's certificate is not trusted: set %s.tls.ca_file to the certificate of its authority"
              .formatted(settings);
      case OTHER_CERTIFICATE ->
          "; the receiver wants another certificate than "
              + receiver
                  .tls()
                  .chain()
                  .map(file -> "that of " + file)
                  .orElse("none: set %s.tls.cert_file and .key_file".formatted(settings));
      case TLS_THERE ->
          "; the receiver may speak TLS: then set %s.endpoint to https://".formatted(settings);
    };
  }
}
