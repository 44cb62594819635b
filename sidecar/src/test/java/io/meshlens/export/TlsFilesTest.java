// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TlsFilesTest {
  @TempDir private Path directory;

  @Test
  void goodFilesHaveNoProblems() throws Exception {
    Certificates made = Certificates.in(directory).issue("client");
    made.openssl("genpkey -algorithm RSA -out rsa.key");
    made.openssl("req -x509 -key rsa.key -days 2 -subj /CN=rsa -out rsa.crt");
    made.openssl("genpkey -algorithm ed25519 -out ed.key");
    made.openssl("req -x509 -key ed.key -days 2 -subj /CN=ed -out ed.crt");

    assertThat(made.files("client").problems("t")).isEmpty();
    assertThat(made.files("rsa").problems("t")).isEmpty();
    assertThat(made.files("ed").problems("t")).isEmpty();
    assertThat(TlsFiles.NONE.problems("t")).isEmpty();
  }

  @Test
  void everyProblemIsNamedAtOnce() throws Exception {
    Path text = Files.writeString(directory.resolve("text"), "not PEM");
    Path missing = directory.resolve("missing");

    assertThat(
            new TlsFiles(Optional.of(missing), Optional.of(text), Optional.empty()).problems("t"))
        .satisfiesExactly(
            p -> assertThat(p).startsWith("t.cert_file and t.key_file belong together"),
            p -> assertThat(p).isEqualTo("t.ca_file: " + missing + ": no such file"),
            p -> assertThat(p).startsWith("t.cert_file: " + text + ": is no certificate: "));
  }

  @Test
  void keyOfAnotherFormOrCertificateIsRefusedWithARemedy() throws Exception {
    Certificates made = Certificates.in(directory).issue("client").issue("server");
    made.openssl("ec -in client.key -out old.key");
    TlsFiles old =
        new TlsFiles(
            Optional.empty(),
            Optional.of(made.file("client.crt")),
            Optional.of(made.file("old.key")));
    TlsFiles mixed =
        new TlsFiles(
            Optional.empty(),
            Optional.of(made.file("client.crt")),
            Optional.of(made.file("server.key")));

    assertThat(old.problems("t"))
        .singleElement()
        .asString()
        .endsWith("convert it with: openssl pkcs8 -topk8 -nodes");
    assertThat(mixed.problems("t"))
        .containsExactly(
            "t.key_file: " + made.file("server.key") + ": is not the key of the certificate");
  }

  @Test
  void replacedFileHasAnotherStampAlsoBehindALink() throws Exception {
    Path first = Files.writeString(directory.resolve("first"), "one");
    Path second = Files.writeString(directory.resolve("second"), "two");
    Path link = Files.createSymbolicLink(directory.resolve("link"), first);
    TlsFiles files = new TlsFiles(Optional.of(link), Optional.empty(), Optional.empty());
    TlsFiles.Stamp before = files.stamp();

    assertThat(files.stamp()).isEqualTo(before);
    Files.delete(link);
    Files.createSymbolicLink(link, second);
    assertThat(files.stamp()).isNotEqualTo(before);
  }
}
