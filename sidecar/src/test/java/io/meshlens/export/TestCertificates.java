// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A certificate authority and what it issues, by openssl. */
final class TestCertificates {
  private final Path directory;
  private final String authority;

  TestCertificates(Path directory, String authority) throws IOException, InterruptedException {
    this.directory = directory;
    this.authority = authority;
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=%s"
                .formatted(authority)
            + " -keyout %s -out %s".formatted(key(authority), certificate(authority)));
  }

  Path authority() {
    return certificate(authority);
  }

  /** For a subjectAltName such as {@code DNS:localhost,IP:127.0.0.1}. */
  void issue(String name, String names) throws IOException, InterruptedException {
    Path request = directory.resolve(name + ".csr");
    Path extensions =
        Files.writeString(directory.resolve(name + ".ext"), "subjectAltName=" + names + "\n");
    openssl(
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=%s -keyout %s -out %s"
            .formatted(name, key(name), request));
    openssl(
        "x509 -req -days 2 -in %s -CA %s -CAkey %s -CAcreateserial -extfile %s -out %s"
            .formatted(
                request, certificate(authority), key(authority), extensions, certificate(name)));
  }

  Path certificate(String name) {
    return directory.resolve(name + ".pem");
  }

  Path key(String name) {
    return directory.resolve(name + ".key");
  }

  private static void openssl(String arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("openssl"));
    command.addAll(List.of(arguments.split(" ")));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), UTF_8);
    if (process.waitFor() != 0) {
      throw new AssertionError(said);
    }
  }
}
