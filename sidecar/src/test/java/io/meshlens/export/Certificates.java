// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * An authority and what it vouches for, made by openssl.
 *
 * @param directory holds NAME.crt and NAME.key
 */
record Certificates(Path directory) {
  /** A new authority called {@code ca}. */
  static Certificates in(Path directory) throws IOException, InterruptedException {
    Certificates made = new Certificates(Files.createDirectories(directory));
    made.openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority"
            + " -keyout ca.key -out ca.crt");
    return made;
  }

  /** A certificate for loopback with its key. */
  Certificates issue(String name) throws IOException, InterruptedException {
    openssl(
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN="
            + name
            + " -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "
            + name
            + ".key -out "
            + name
            + ".csr");
    openssl(
        "x509 -req -days 2 -copy_extensions copy -CA ca.crt -CAkey ca.key -CAcreateserial -in "
            + name
            + ".csr -out "
            + name
            + ".crt");
    return this;
  }

  Path file(String name) {
    return directory.resolve(name);
  }

  TlsFiles files(String name) {
    return new TlsFiles(
        Optional.of(file("ca.crt")),
        Optional.of(file(name + ".crt")),
        Optional.of(file(name + ".key")));
  }

  TlsFiles authorityOnly() {
    return new TlsFiles(Optional.of(file("ca.crt")), Optional.empty(), Optional.empty());
  }

  void openssl(String arguments) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                java.util.stream.Stream.concat(
                        java.util.stream.Stream.of("openssl"),
                        List.of(arguments.split(" ", -1)).stream())
                    .toList())
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), UTF_8);
    if (!process.waitFor(30, TimeUnit.SECONDS) || process.exitValue() != 0) {
      throw new AssertionError("openssl " + arguments + ": " + said);
    }
  }
}
