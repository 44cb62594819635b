// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** An authority, a server als.test and a client client.test, by openssl. */
final class AlsCertificates {
  private final Path directory;

  AlsCertificates(Path directory) throws IOException, InterruptedException {
    this.directory = directory;
    String ec = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes ";
    openssl(
        "req -x509 -days 2 -subj /CN=authority %s -keyout %s -out %s"
            .formatted(ec, key("authority"), certificate("authority")));
    for (String[] end : new String[][] {{"server", "als.test"}, {"client", "client.test"}}) {
      String request = file(end[0] + ".csr");
      Files.writeString(Path.of(file(end[0] + ".ext")), "subjectAltName=DNS:" + end[1] + "\n");
      openssl("req -subj /CN=%s %s -keyout %s -out %s".formatted(end[1], ec, key(end[0]), request));
      openssl(
          "x509 -req -days 2 -in %s -CA %s -CAkey %s -CAcreateserial -extfile %s -out %s"
              .formatted(
                  request,
                  certificate("authority"),
                  key("authority"),
                  file(end[0] + ".ext"),
                  certificate(end[0])));
    }
  }

  String certificate(String name) {
    return file(name + ".pem");
  }

  String key(String name) {
    return file(name + ".key");
  }

  private String file(String name) {
    return directory.resolve(name).toString();
  }

  private static void openssl(String arguments) throws IOException, InterruptedException {
    try (ChildProcess openssl = ChildProcess.of(("openssl " + arguments).split(" +"))) {
      if (openssl.exitCode() != 0) {
        throw new AssertionError(String.join("\n", openssl.err()));
      }
    }
  }
}
