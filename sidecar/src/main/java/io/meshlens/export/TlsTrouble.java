// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What keeps two sides from speaking, as far as the words of a failure tell. */
enum TlsTrouble {
  /** We speak TLS, the other side does not. */
  NO_TLS_THERE("not an ssl/tls record", "unrecognized ssl message"),
  OTHER_NAME("no name matching", "no subject alternative"),
  NOT_TRUSTED(
      "unable to find valid certification path",
      "validity check failed",
      "signature check failed",
      "path does not chain with any of the trust anchors"),
  /** The other side does not like our certificate, or wants one. */
  OTHER_CERTIFICATE(
      "certificate_required",
      "certificate required",
      "bad_certificate",
      "bad certificate",
      "unknown_ca",
      "unknown ca",
      "decrypt_error"),
  /** We do not speak TLS, the other side may. */
  TLS_THERE(
      "first received frame was not settings",
      "not an http/2 connection",
      "network closed for unknown reason",
      "connection reset",
      "eof reached while reading",
      "connection closed",
      "header parser received no bytes",
      "invalid status line");

  private final Pattern words;

  TlsTrouble(String... words) {
    this.words =
        Pattern.compile(
            Stream.of(words).map(Pattern::quote).collect(Collectors.joining("|")),
            Pattern.CASE_INSENSITIVE);
  }

  /** Of those that there can be for who speaks TLS. */
  static Optional<TlsTrouble> overTls(String said) {
    return Stream.of(NO_TLS_THERE, OTHER_NAME, NOT_TRUSTED, OTHER_CERTIFICATE)
        .filter(trouble -> trouble.isIn(said))
        .findFirst();
  }

  /** Of those for who does not. */
  static Optional<TlsTrouble> overPlain(String said) {
    return Optional.of(TLS_THERE).filter(trouble -> trouble.isIn(said));
  }

  private boolean isIn(String said) {
    return words.matcher(said).find();
  }
}
