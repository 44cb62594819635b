// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A certificate authority of a test, by openssl. */
final class Certificates {
  private final Path directory;
  private final String authority;

  Certificates(Path directory, String authority) throws IOException, InterruptedException {
    this.directory = directory;
    this.authority = authority;
    openssl(
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=" + authority,
        "-keyout",
        key(authority).toString(),
        "-out",
        certificate(authority).toString());
  }

  Path authorities() {
    return certificate(authority);
  }

  /** Makes a certificate; {@code names} as in a subjectAltName. */
  void issue(String name, String names) throws IOException, InterruptedException {
    Path request = directory.resolve(name + ".csr");
    Path extensions =
        Files.writeString(directory.resolve(name + ".ext"), "subjectAltName=" + names + "\n");
    openssl(
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=" + name,
        "-keyout",
        key(name).toString(),
        "-out",
        request.toString());
    openssl(
        "x509",
        "-req",
        "-days",
        "2",
        "-in",
        request.toString(),
        "-CA",
        certificate(authority).toString(),
        "-CAkey",
        key(authority).toString(),
        "-CAcreateserial",
        "-extfile",
        extensions.toString(),
        "-out",
        certificate(name).toString());
  }

  Path certificate(String name) {
    return directory.resolve(name + ".pem");
  }

  Path key(String name) {
    return directory.resolve(name + ".key");
  }

  private static void openssl(String... arguments) throws IOException, InterruptedException {
    String[] command = new String[arguments.length + 1];
    command[0] = "openssl";
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    try (ChildProcess openssl = ChildProcess.of(command)) {
      if (openssl.exitCode() != 0) {
        throw new AssertionError(String.join("\n", openssl.err()));
      }
    }
  }
}
