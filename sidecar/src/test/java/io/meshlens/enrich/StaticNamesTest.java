// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich;

import static io.meshlens.enrich.Named.find;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class StaticNamesTest {
  @TempDir private Path directoryOfFile;

  private final Vitals vitals = new Vitals();
  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
  private final Directory directory =
      new Directory(
          List.of(IdentitySource.STATIC), Duration.ZERO, 0, InstantSource.system(), vitals);
  private Path file = Path.of("");
  private StaticNames names =
      new StaticNames(
          file, directory, vitals, new Log(System.err, Log.Level.ERROR, InstantSource.system()));

  @BeforeEach
  void nameTheFile() {
    file = directoryOfFile.resolve("names.yaml");
    Log log =
        new Log(
            new PrintStream(printed, true, StandardCharsets.UTF_8),
            Log.Level.WARN,
            InstantSource.system());
    names = new StaticNames(file, directory, vitals, log);
  }

  private String workload(String address) {
    return find(directory, address, 0).workload();
  }

  @Test
  void theLongestPrefixWins() throws IOException {
    Files.writeString(
        file,
        """
        - {cidr: 10.0.0.0/8, workload: corporate}
        - {cidr: 10.1.0.0/16, workload: legacy, namespace: data, service: ledger, cluster: old}
        - {cidr: 10.1.2.3, workload: ledger-primary}
        - {cidr: 0.0.0.0/0, workload: internet}
        - {cidr: "fd00:1::/32", workload: six}
        - {cidr: "::/0", workload: internet-six}
        """);

    assertThat(names.load()).isEmpty();

    assertThat(workload("10.9.9.9")).isEqualTo("corporate");
    assertThat(workload("10.1.9.9")).isEqualTo("legacy");
    assertThat(workload("10.1.2.3")).isEqualTo("ledger-primary");
    assertThat(workload("192.0.2.1")).isEqualTo("internet");
    assertThat(workload("fd00:1::9")).isEqualTo("six");
    assertThat(workload("fd00:2::9")).isEqualTo("internet-six");
    assertThat(find(directory, "10.1.9.9", 0).serviceNamespace()).isEqualTo("data");
    assertThat(find(directory, "10.1.9.9", 0).source()).isEqualTo("static");
    assertThat(vitals.get(Vital.IDENTITY_HITS_STATIC)).isEqualTo(8);
  }

  @Test
  void aNetworkOfIpv6HoldsNoIpv4() throws IOException {
    Files.writeString(file, "- {cidr: '::/0', workload: six}\n- {cidr: '::/80', workload: low}\n");

    assertThat(names.load()).isEmpty();

    assertThat(find(directory, "10.0.0.1", 0).isUnknown()).isTrue();
  }

  @Test
  void everyProblemIsSaidWithItsLine() throws IOException {
    Files.writeString(
        file,
        """
        - {cidr: 10.0.0.0/8, workload: a}
        - {cidr: 10.0.0.1/8, workload: b}
        - {cidr: 10.0.0.0/33, workload: c}
        - cidr: 10.0.0.0/8
          workload: d
        - {workload: e}
        - {cidr: 10.2.0.0/16, worklod: f}
        - {cidr: 10.3.0.0/16}
        - {cidr: 10.4.0.0/16, workload: [g]}
        - {cidr: nonsense, workload: h}
        - words
        - {cidr: 10.5.0.0/16, workload: i, workload: j}
        """);

    assertThat(names.load().stream().map(problem -> problem.replace(file.toString(), "F")))
        .containsExactly(
            "F:2: cidr \"10.0.0.1/8\": has bits behind its prefix; the network is 10.0.0.0/8",
            "F:3: cidr \"10.0.0.0/33\": expected a prefix length from 0 to 32",
            "F:4: 10.0.0.0/8 is in line 1 already; expected each network once",
            "F:6: cidr is missing",
            "F:7: \"worklod\" is not known here; expected cidr, app, cluster, namespace, network,"
                + " node, pod, service, service_namespace, version, workload, workload_kind",
            "F:8: 10.3.0.0/16 has no name; give it a workload or a service at least",
            "F:9: workload is empty or no plain text",
            "F:10: cidr \"nonsense\": expected an address such as 10.0.0.0/8 or fd00::/8",
            "F:11: expected cidr and names, such as {cidr: 10.1.0.0/16, workload: legacy}",
            "F:12: workload is there twice");
  }

  @Test
  void aFileWithAProblemChangesNothing() throws IOException {
    Files.writeString(file, "- {cidr: 10.0.0.0/8, workload: before}\n");
    names.load();
    Files.writeString(file, "- {cidr: 10.0.0.0/8, workload: after}\n- {cidr: x, workload: y}\n");

    names.reload();

    assertThat(workload("10.0.0.1")).isEqualTo("before");
    assertThat(printed.toString(StandardCharsets.UTF_8))
        .contains("names.yaml has 1 problem(s); the names before stay in force:")
        .contains("names.yaml:2: cidr \"x\"");
    assertThat(vitals.get(Vital.IDENTITY_FILE_REFUSED)).isEqualTo(1);
  }

  @Test
  void whatIsNoListOrNoYamlOrNoTextOrNoFileIsAProblem() throws IOException {
    assertThat(names.load()).singleElement().asString().contains("no such file");
    Files.writeString(file, "a: b\n");
    assertThat(names.load()).singleElement().asString().contains(":1: expected a list of networks");
    Files.writeString(file, "- {a\n- b: [");
    assertThat(names.load()).singleElement().asString().contains("not YAML");
    Files.write(file, new byte[] {'-', ' ', (byte) 0xff, (byte) 0xfe});
    assertThat(names.load()).singleElement().asString().contains("not UTF-8 text");
    Files.writeString(file, "&a [*a, *a]");
    assertThat(names.load()).isNotEmpty();
    Files.writeString(file, "");
    assertThat(names.load()).isEmpty();
  }

  @Test
  void aChangedFileIsReadAgainAndAnUnchangedOneIsNot() throws IOException {
    Files.writeString(file, "- {cidr: 10.0.0.0/8, workload: before}\n");
    names.load();

    names.reloadIfChanged();
    assertThat(vitals.get(Vital.IDENTITY_FILE_RELOADS)).isEqualTo(1);

    Files.writeString(file, "- {cidr: 10.0.0.0/8, workload: after!}\n");
    Files.setLastModifiedTime(file, FileTime.fromMillis(1));
    names.reloadIfChanged();

    assertThat(workload("10.0.0.1")).isEqualTo("after!");
    assertThat(vitals.get(Vital.IDENTITY_FILE_RELOADS)).isEqualTo(2);
  }
}
