// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.net.InetAddresses;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Start, end, and everything that may be missing or wrong; bpftool says what is left behind. */
@RequiresKernel
class LifecycleIT {
  @TempDir Path directory;

  private static ServerSocket listen() throws IOException {
    return new ServerSocket(0, 128, InetAddresses.forString("127.0.0.1"));
  }

  private static void exchange(ServerSocket server, int connections) throws IOException {
    for (int i = 0; i < connections; i++) {
      try (Socket client = new Socket(server.getInetAddress(), server.getLocalPort());
          Socket accepted = server.accept()) {
        client.getOutputStream().write(new byte[31]);
        accepted.getInputStream().readNBytes(31);
      }
    }
  }

  private static ChildProcess meshlens(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of(SidecarProcess.LAUNCHER));
    command.addAll(List.of(arguments));
    return new ChildProcess(new ProcessBuilder(command));
  }

  /** Ids of the loaded programs of our name, as bpftool lists them. */
  private static List<String> loadedPrograms() throws Exception {
    String bpftool =
        Stream.of("/usr/sbin/bpftool", "/usr/bin/bpftool", "/sbin/bpftool")
            .filter(p -> Files.isExecutable(Path.of(p)))
            .findFirst()
            .orElseThrow();
    try (ChildProcess list = ChildProcess.of(bpftool, "prog", "list")) {
      assertThat(list.exitCode()).isZero();
      return list.out().stream()
          .filter(line -> line.contains("sock_ops") && line.contains("name tcp_lifecycle"))
          .map(line -> line.substring(0, line.indexOf(':')))
          .toList();
    }
  }

  @Test
  void sigtermDeliversTheLastRecordsAndLeavesNothingAttached() throws Exception {
    List<String> before = loadedPrograms();
    try (SidecarProcess sidecar = SidecarProcess.run();
        ServerSocket server = listen()) {
      assertThat(loadedPrograms()).hasSizeGreaterThan(before.size());
      exchange(server, 97);
      sidecar.process().terminate();
      assertThat(sidecar.process().exitCode()).isZero();
      assertThat(sidecar.recordsOfPort(server.getLocalPort())).hasSize(2 * 97);
      assertThat(sidecar.process().err()).anyMatch(line -> line.contains("everything detached"));
    }
    assertThat(loadedPrograms()).isEqualTo(before);
  }

  @Test
  void onlyTheGivenCgroupIsWatched() throws Exception {
    Path cgroup = Files.createDirectory(cgroupRoot().resolve("meshlens-it-" + System.nanoTime()));
    try (SidecarProcess sidecar = SidecarProcess.run("cgroup=" + cgroup);
        ServerSocket server = listen()) {
      exchange(server, 5);
      try (ChildProcess inside =
          ChildProcess.of(
              "sh",
              "-c",
              """
              echo $$ > %s/cgroup.procs
              exec /usr/bin/python3 -c "
              import socket
              socket.create_connection(('127.0.0.1', %d)).sendall(b'x' * 37)"
              """
                  .formatted(cgroup, server.getLocalPort()))) {
        server.accept().close();
        assertThat(inside.exitCode()).as("%s", inside.err()).isZero();
      }
      JsonNode record =
          SidecarProcess.of(sidecar.awaitRecords(server.getLocalPort(), 1), "outbound");
      assertThat(record.path("bytes_sent").asLong()).isEqualTo(37);
    } finally {
      Files.delete(cgroup);
    }
  }

  private static Path cgroupRoot() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/mounts")).stream()
        .map(line -> line.split(" "))
        .filter(fields -> fields[2].equals("cgroup2"))
        .map(fields -> Path.of(fields[1]))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void aFullRingLosesRecordsThatAreCountedExactlyWhileTheSumsStayExact() throws Exception {
    try (SidecarProcess sidecar = SidecarProcess.run("kernel.ring_size=4KiB");
        ServerSocket server = listen()) {
      int connections = 3001;
      int port = server.getLocalPort();
      exchange(server, connections);
      Map<String, String> ofPort =
          Map.of("reporter", "source", "destination_port", Integer.toString(port));
      assertThat(sidecar.metric("mesh_tcp_connections_closed_total", ofPort))
          .isEqualTo(connections);
      assertThat(
              sidecar.metric(
                  "mesh_tcp_io_bytes_total",
                  Map.of(
                      "reporter", "source",
                      "destination_port", Integer.toString(port),
                      "network_io_direction", "transmit")))
          .isEqualTo(31L * connections);
      sidecar.process().terminate();
      assertThat(sidecar.process().exitCode()).isZero();
      assertThat(sidecar.recordsOfPort(port)).hasSizeLessThan(2 * connections);
    }
  }

  @Test
  void lostAndDeliveredRecordsOfAFullRingAddUp() throws Exception {
    Path cgroup = Files.createDirectory(cgroupRoot().resolve("meshlens-it-" + System.nanoTime()));
    int connections = 1999;
    String program =
        """
        import socket
        server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen()
        for i in range(%d):
            client = socket.create_connection(server.getsockname())
            accepted, _ = server.accept()
            client.close(); accepted.close()
        """
            .formatted(connections);
    // Nobody else is in that cgroup, so every record is one of these.
    try (SidecarProcess sidecar = SidecarProcess.run("cgroup=" + cgroup, "kernel.ring_size=4KiB")) {
      Path script = Files.writeString(directory.resolve("churn.py"), program);
      try (ChildProcess churn =
          ChildProcess.of(
              "sh",
              "-c",
              "echo $$ > %s/cgroup.procs; exec /usr/bin/python3 %s".formatted(cgroup, script))) {
        assertThat(churn.exitCode()).as("%s", churn.err()).isZero();
      }
      long lost = sidecar.metric("meshlens_records_lost_total", Map.of("cause", "ring_full"));
      sidecar.process().terminate();
      assertThat(sidecar.process().exitCode()).isZero();
      assertThat(lost).isPositive();
      assertThat(sidecar.records(record -> true).size() + lost).isEqualTo(2L * connections);
    } finally {
      Files.delete(cgroup);
    }
  }

  @Test
  void aFullMapOfSumsFoldsIntoTheOverflowSeries() throws Exception {
    try (SidecarProcess sidecar = SidecarProcess.run("kernel.max_address_pairs=2")) {
      int servers = 11;
      List<Integer> ports = new ArrayList<>();
      for (int i = 0; i < servers; i++) {
        try (ServerSocket server = listen()) {
          exchange(server, 3);
          ports.add(server.getLocalPort());
        }
      }
      for (int port : ports) {
        sidecar.awaitRecords(port, 6);
      }
      assertThat(
              sidecar.metric(
                  "mesh_tcp_connections_closed_total", Map.of("otel_metric_overflow", "true")))
          .isGreaterThanOrEqualTo(2L * (servers - 2));
      assertThat(sidecar.metric("meshlens_sums_folded_total", Map.of())).isPositive();
    }
  }

  @Test
  void aTakenTelemetryPortIsAFailureThatNamesTheRemedyAndLeavesNothing() throws Exception {
    List<String> before = loadedPrograms();
    try (ServerSocket taken = listen();
        ChildProcess run =
            meshlens("run", "--set", "telemetry.address=127.0.0.1:" + taken.getLocalPort())) {
      assertThat(run.exitCode()).isEqualTo(1);
      assertThat(String.join("\n", run.err()))
          .contains("telemetry address cannot be bound")
          .contains("--set telemetry.address=");
    }
    assertThat(loadedPrograms()).isEqualTo(before);
  }

  @Test
  void aDirectoryThatIsNoCgroupIsAMissingPartOfTheKernel() throws Exception {
    List<String> before = loadedPrograms();
    try (ChildProcess run =
        meshlens("run", "--set", "telemetry.address=127.0.0.1:0", "--cgroup", "/tmp")) {
      assertThat(run.exitCode()).isEqualTo(3);
      assertThat(String.join("\n", run.err())).contains("/tmp").contains("cgroup v2");
    }
    assertThat(loadedPrograms()).isEqualTo(before);
  }

  @Test
  void withoutCapabilitiesCheckNamesThemAndRunRefuses() throws Exception {
    String[] drop = {"setpriv", "--bounding-set", "-all", "--inh-caps", "-all"};
    List<String> check = new ArrayList<>(List.of(drop));
    check.addAll(List.of(SidecarProcess.LAUNCHER, "check"));
    try (ChildProcess process = new ChildProcess(new ProcessBuilder(check))) {
      assertThat(process.exitCode()).isEqualTo(3);
      assertThat(process.out())
          .anyMatch(line -> line.contains("CAP_BPF") && line.contains("remedy"))
          .anyMatch(line -> line.contains("CAP_NET_ADMIN") && line.contains("remedy"));
    }
    List<String> run = new ArrayList<>(List.of(drop));
    run.addAll(List.of(SidecarProcess.LAUNCHER, "run", "--set", "telemetry.address=127.0.0.1:0"));
    try (ChildProcess process = new ChildProcess(new ProcessBuilder(run))) {
      assertThat(process.exitCode()).isEqualTo(3);
      assertThat(String.join("\n", process.err())).contains("CAP_BPF");
    }
  }

  @Test
  void anUnmountedCgroupHierarchyAndMissingBtfAreNamedWithTheirRemedies() throws Exception {
    // In a mount namespace of its own: no cgroup v2 is mounted and /sys/kernel/btf is empty.
    String hide =
        """
        for directory in $(awk '$3 == "cgroup2" { print $2 }' /proc/self/mounts); do
          umount -l "$directory"
        done
        mount -t tmpfs none /sys/kernel/btf
        exec %s check"""
            .formatted(SidecarProcess.LAUNCHER);
    try (ChildProcess check =
        ChildProcess.of("unshare", "--mount", "--propagation", "private", "sh", "-c", hide)) {
      assertThat(check.exitCode()).as("%s", check.err()).isEqualTo(3);
      assertThat(check.out())
          .anyMatch(line -> line.startsWith("cgroup v2") && line.contains("mount -t cgroup2"))
          .anyMatch(line -> line.startsWith("kernel BTF") && line.contains("DEBUG_INFO_BTF"));
    }
  }

  @Test
  void anObjectOfAnotherContractIsRefusedWithATable() throws Exception {
    Path home = directory.resolve("home");
    Path installed = Path.of("target/dist").toAbsolutePath();
    Files.createDirectories(home.resolve("bpf"));
    Files.createSymbolicLink(home.resolve("lib"), installed.resolve("lib"));
    Files.createSymbolicLink(home.resolve("bin"), installed.resolve("bin"));
    byte[] object = Files.readAllBytes(installed.resolve("bpf/meshlens.bpf.o"));
    // The same length, so that only this name in the string table changes.
    Files.write(
        home.resolve("bpf/meshlens.bpf.o"),
        new String(object, java.nio.charset.StandardCharsets.ISO_8859_1)
            .replace("bytes_retransmitted\0", "bytes_retransmixxed\0")
            .getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
    ProcessBuilder builder =
        new ProcessBuilder(
            SidecarProcess.LAUNCHER, "run", "--set", "telemetry.address=127.0.0.1:0");
    builder.environment().put("MESHLENS_JAVA_OPTS", "-Dmeshlens.home=" + home);
    try (ChildProcess run = new ChildProcess(builder)) {
      assertThat(run.exitCode()).isNotZero();
      assertThat(String.join("\n", run.err()))
          .contains("bytes_retransmitted")
          .contains("bytes_retransmixxed")
          .contains("(absent)");
    }
  }

  @Test
  void settingsAreUtf8AlsoWhereThereIsNoLocale() throws Exception {
    try (ChildProcess print =
        ChildProcess.of(
            "env",
            "-i",
            "PATH=" + System.getenv("PATH"),
            "MESHLENS_NODE_REGION=Östersund",
            SidecarProcess.LAUNCHER,
            "config",
            "print",
            "--set",
            "node.cluster=Zürich")) {
      assertThat(print.exitCode()).as("%s", print.err()).isZero();
      assertThat(String.join("\n", print.out())).contains("Zürich", "Östersund");
    }
  }

  @Test
  void allProblemsOfAConfigurationAreShownAtOnce() throws Exception {
    Path file =
        Files.writeString(
            directory.resolve("bad.yaml"),
            """
            telemetri:
              address: 127.0.0.1:1
            kernel:
              ring_size: 5KiB
            """);
    try (ChildProcess run =
        meshlens("run", "--config", file.toString(), "--set", "log.level=loud")) {
      assertThat(run.exitCode()).isEqualTo(2);
      assertThat(String.join("\n", run.err()))
          .contains("3 problem(s)")
          .contains("bad.yaml:2: telemetri.address is not a setting; nearest: telemetry.address")
          .contains("bad.yaml:4: kernel.ring_size")
          .contains("log.level");
    }
  }
}
