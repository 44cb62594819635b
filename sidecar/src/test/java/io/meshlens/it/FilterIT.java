// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.errorprone.annotations.FormatMethod;
import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What filters exclude, and nothing else, is neither recorded nor counted. */
@RequiresKernel
@SuppressWarnings("NullAway.Init") // Each test starts its own sidecar.
class FilterIT {
  private static final int PORT = 21_000;
  private static final String OPENED = "mesh_tcp_connections_opened_total";
  private static final String FILTERED = "meshlens_connections_filtered_total";

  /** Every connection: o1 is the first as its client reports it, i1 as its server does. */
  private static final String ALL = "o1 i1 o2 i2 o3 i3 o4 i4 o5 i5";

  @TempDir private Path temporary;
  private TestCgroup cgroup;
  private Path below;
  private NetworkNamespace node;
  private NetworkNamespace other;
  private TcpPeer server;
  private TcpPeer clientBelow;
  private TcpPeer client;
  private TcpPeer stranger;
  private SidecarProcess sidecar;
  private int lot;

  @BeforeEach
  void startPeers() throws Exception {
    cgroup = new TestCgroup();
    below = Files.createDirectory(cgroup.path().resolve("below"));
    node = new NetworkNamespace();
    other = new NetworkNamespace();
    List<String> entrance = new ArrayList<>(cgroup.entrance(node));
    entrance.replaceAll(word -> word.replace(cgroup.path() + "/", below + "/"));
    clientBelow = new TcpPeer(entrance);
    client = new TcpPeer(cgroup.entrance(node));
    server = new TcpPeer(cgroup.entrance(node));
    stranger = new TcpPeer(cgroup.entrance(other));
  }

  @AfterEach
  void end() throws Exception {
    AutoCloseable removeBelow = () -> Files.delete(below);
    for (AutoCloseable part :
        new AutoCloseable[] {
          sidecar, clientBelow, client, server, stranger, node, other, removeBelow, cgroup
        }) {
      if (part != null) {
        part.close();
      }
    }
  }

  private Path file() {
    return temporary.resolve("meshlens.yaml");
  }

  private void start(String filters, String... settings) throws Exception {
    Files.writeString(file(), filters);
    List<String> all = new ArrayList<>(List.of(settings));
    all.add("cgroup=" + cgroup.path());
    sidecar = SidecarProcess.runWith(file(), all.toArray(String[]::new));
    server.run(
        "l = [listen('127.0.0.1', %d), listen('127.0.0.2', %d), listen('::1', %d)]",
        PORT, PORT + 1, PORT + 2);
  }

  /** SIGHUP with another file, once the sidecar has answered with a line that says so. */
  private void reload(String filters, String answer) throws Exception {
    Files.writeString(file(), filters);
    int before = lines(answer).size();
    assertThat(new ProcessBuilder("kill", "-HUP", "" + sidecar.process().pid()).start().waitFor())
        .isZero();
    ChildProcess.await(
        answer + " in " + sidecar.process().err(),
        () -> Optional.of(true).filter(x -> lines(answer).size() > before));
  }

  private List<String> lines(String part) {
    return sidecar.process().err().stream().filter(line -> line.contains(part)).toList();
  }

  private static String lists(String exclude, String include) {
    return "filter:\n  exclude: [%s]\n  include: [%s]\n".formatted(exclude, include);
  }

  /** One connection that carries some bytes; what the server counted of them. */
  private void connect(TcpPeer from, String address, int listener, int bytes) throws Exception {
    from.run("s = dial('%s', %d)", address, PORT + listener);
    server.run("a = l[%d].accept()[0]", listener);
    from.run("s.sendall(bytes(%d)); s.close()", bytes);
    assertThat(server.run("n = finish(a); n").asInt()).isEqualTo(bytes);
  }

  /** The five connections of which all tests speak. */
  private void connectAll() throws Exception {
    lot += 10;
    connect(clientBelow, "127.0.0.1", 0, lot + 1);
    connect(client, "127.0.0.1", 0, lot + 2);
    connect(clientBelow, "127.0.0.2", 1, lot + 3);
    connect(client, "::1", 2, lot + 4);
    stranger.run(
        "l = listen('127.0.0.1', %d); s = dial('127.0.0.1', %d); a = l.accept()[0]; l.close()",
        PORT, PORT);
    stranger.run("s.sendall(bytes(%d)); s.close(); n = finish(a); n", lot + 5);
  }

  /** Those of the last lot that were recorded, by the bytes that they carried. */
  private Set<String> recorded() {
    Set<String> names = new TreeSet<>();
    for (JsonNode record : sidecar.records(r -> true)) {
      boolean outbound = record.path("direction").asText().equals("outbound");
      int bytes = record.path(outbound ? "bytes_sent" : "bytes_received").asInt();
      if (bytes > lot && bytes <= lot + 5) {
        names.add((outbound ? "o" : "i") + (bytes - lot));
      }
    }
    return names;
  }

  private void assertWatched(String rules, String expected) throws Exception {
    Set<String> wanted = new TreeSet<>();
    Arrays.stream(expected.split(" ", -1)).filter(name -> !name.isEmpty()).forEach(wanted::add);
    MetricsPage before = MetricsPage.of(sidecar);
    connectAll();
    ChildProcess.await(
        "%s: %s, has %s".formatted(rules, wanted, recorded()),
        () -> Optional.of(true).filter(x -> recorded().containsAll(wanted)));
    // The ring is read every few milliseconds: a surplus record would come now.
    Thread.sleep(120);
    assertThat(recorded()).as(rules).isEqualTo(wanted);
    MetricsPage after = MetricsPage.of(sidecar);
    assertThat(after.sum(OPENED, Map.of()) - before.sum(OPENED, Map.of()))
        .as(rules)
        .isEqualTo(wanted.size());
    assertThat(
            after.sum(FILTERED, Map.of("cause", "rule"))
                - before.sum(FILTERED, Map.of("cause", "rule")))
        .as(rules)
        .isEqualTo(10 - wanted.size());
  }

  private void assertExcluded(String rules, String excluded) throws Exception {
    Set<String> left = new TreeSet<>(List.of(ALL.split(" ", -1)));
    left.removeAll(List.of(excluded.split(" ", -1)));
    reload(lists(rules, ""), "info filters:");
    assertWatched("exclude " + rules, String.join(" ", left));
  }

  private void assertIncluded(String include, String exclude, String expected) throws Exception {
    reload(lists(exclude, include), "info filters:");
    assertWatched("include " + include + ", exclude " + exclude, expected);
  }

  @FormatMethod
  private static String quote(String rule, Object... arguments) {
    return "\"" + rule.formatted(arguments) + "\"";
  }

  @Test
  void eachDimensionExcludesWhatItSaysAndNothingElse() throws Exception {
    start("");
    assertWatched("no rule", ALL);
    assertExcluded(quote("port=%d", PORT), "o1 i1 o2 i2 o5 i5");
    assertExcluded(quote("port=%d-%d", PORT + 1, PORT + 2), "o3 i3 o4 i4");
    assertExcluded(quote("pid=%d", clientBelow.pid()), "o1 o3");
    assertExcluded(quote("pid=%d", server.pid()), "i1 i2 i3 i4");
    assertExcluded(quote("netns=%d", netns(stranger)), "o5 i5");
    assertExcluded(quote("cidr=127.0.0.2"), "o3 i3");
    assertExcluded(quote("cidr=127.0.0.2/31"), "o3 i3");
    assertExcluded(quote("cidr=::/0"), "o4 i4");
    assertExcluded(quote("cidr=0.0.0.0/0"), "o1 i1 o2 i2 o3 i3 o5 i5");
    assertExcluded(quote("cidr=10.0.0.0/8"), "");
    assertExcluded(quote("direction=inbound"), "i1 i2 i3 i4 i5");
    assertExcluded(quote("cgroup=/below"), "o1 o3");
    assertExcluded(quote("cgroup=%s", below), "o1 o3");
    assertExcluded(quote("cgroup=%s", cgroup.path()), ALL);
    assertExcluded(quote("port=%d,direction=outbound,pid=%d", PORT, clientBelow.pid()), "o1");
    assertExcluded(
        quote("port=%d", PORT + 2) + ", " + quote("cgroup=/below,direction=outbound"),
        "o1 o3 o4 i4");
    assertExcluded("", "");
  }

  private static long netns(TcpPeer peer) throws Exception {
    Path file = Path.of("/proc/" + peer.pid() + "/ns/net");
    return ((Number) Files.getAttribute(file, "unix:ino")).longValue();
  }

  @Test
  void onlyWhatARuleIncludesIsWatchedUnlessAnotherExcludesIt() throws Exception {
    start("");
    assertIncluded(quote("port=%d", PORT), "", "o1 i1 o2 i2 o5 i5");
    assertIncluded(quote("pid=%d", clientBelow.pid()), quote("port=%d", PORT + 1), "o1");
    assertIncluded(quote("cidr=127.0.0.2"), "", "o3 i3");
    assertIncluded(
        quote("cidr=::1") + ", " + quote("netns=%d", netns(stranger)),
        quote("direction=inbound"),
        "o4 o5");
    assertIncluded(quote("pid=1"), "", "");
  }

  @Test
  void asManyRulesAsThereMayBeAreAllLookedAt() throws Exception {
    List<String> rules = new ArrayList<>();
    for (int i = 1; i <= 63; i++) {
      rules.add(quote("port=%d", i));
    }
    rules.add(quote("port=%d", PORT));
    start(lists(String.join(",", rules), ""));
    assertWatched("64 rules", "o3 i3 o4 i4");
    assertThat(MetricsPage.of(sidecar).sum("meshlens_filter_rules", Map.of())).isEqualTo(64);
  }

  @Test
  void openConnectionsStayWhatTheyWereWhenTheFiltersChange() throws Exception {
    start("");
    client.run("watched = dial('127.0.0.1', %d)", PORT);
    server.run("a = l[0].accept()[0]");
    reload(lists("port=" + PORT, ""), "info filters:");
    client.run("hidden = dial('127.0.0.1', %d)", PORT);
    server.run("b = l[0].accept()[0]");
    reload("", "info filters:");
    client.run("watched.sendall(bytes(7)); watched.close()");
    client.run("hidden.sendall(bytes(8)); hidden.close()");
    assertThat(server.run("n = [drain(a), drain(b)]; a.close(); b.close(); n").toString())
        .isEqualTo("[7,8]");
    for (JsonNode record : sidecar.awaitRecords(PORT, 2)) {
      boolean outbound = record.path("direction").asText().equals("outbound");
      assertThat(record.path(outbound ? "bytes_sent" : "bytes_received").asInt()).isEqualTo(7);
    }
    assertThat(MetricsPage.of(sidecar).sum("mesh_tcp_connections_active", Map.of())).isZero();
  }

  @Test
  void excludedAttemptsThatFailLeaveNothing() throws Exception {
    start(lists("port=" + (PORT + 7), ""));
    assertThat(client.fail("dial('127.0.0.1', %d)", PORT + 7)).isEqualTo("ECONNREFUSED");
    assertThat(client.fail("dial('127.0.0.1', %d)", PORT + 8)).isEqualTo("ECONNREFUSED");
    assertThat(client.fail("dial('192.0.2.1', %d)", PORT + 7)).isEqualTo("ENETUNREACH");
    assertThat(sidecar.awaitRecords(PORT + 8, 1)).hasSize(1);
    Thread.sleep(1100);
    MetricsPage page = MetricsPage.of(sidecar);
    assertThat(page.sum("mesh_tcp_connections_failed_total", Map.of())).isEqualTo(1);
    assertThat(sidecar.recordsOfPort(PORT + 7)).isEmpty();
  }

  @Test
  void olderConnectionsAreJudgedWhenTheyAreAdopted() throws Exception {
    server.run("l = [listen('127.0.0.1', %d), listen('127.0.0.1', %d)]", PORT, PORT + 1);
    for (int i = 0; i < 2; i++) {
      clientBelow.run("s%d = dial('127.0.0.1', %d)", i, PORT + i);
      client.run("s%d = dial('127.0.0.1', %d)", i, PORT + i);
      server.run("a%d = [l[%d].accept()[0], l[%d].accept()[0]]", i, i, i);
    }
    sidecar =
        SidecarProcess.run(
            "filter.exclude=port=%d; pid=%d".formatted(PORT + 1, client.pid()),
            "cgroup=" + cgroup.path());
    for (TcpPeer peer : List.of(clientBelow, client)) {
      peer.run("s0.close(); s1.close()");
    }
    server.run("[(drain(a), a.close()) for a in a0 + a1]; None");
    // Two accepted from the first listener, and one of the two who connected there.
    List<JsonNode> records = sidecar.awaitRecords(PORT, 3);
    assertThat(SidecarProcess.of(records, "outbound").at("/process/pid").asLong())
        .isEqualTo(clientBelow.pid());
    assertThat(sidecar.recordsOfPort(PORT + 1)).isEmpty();
  }

  @Test
  void wrongFiltersAreAllNamedAtTheStart() throws Exception {
    Files.writeString(
        file(),
        "filter:\n  exclude: [port=9-8, prot=1, port=22]\n  include: [port=22]\n  inclde: x");
    try (ChildProcess process =
        new ChildProcess(
            new ProcessBuilder(SidecarProcess.LAUNCHER, "run", "--config", file().toString()))) {
      assertThat(process.exitCode()).isEqualTo(2);
      assertThat(process.err())
          .anyMatch(line -> line.contains("\"port=9-8\": expected a port"))
          .anyMatch(line -> line.contains("\"prot\" is none of cgroup, pid,"))
          .anyMatch(
              line -> line.contains("filter.inclde is not a setting; nearest: filter.include"));
    }
    Files.writeString(file(), lists("port=22, port=23", "port=23, port=22"));
    try (ChildProcess process =
        new ChildProcess(
            new ProcessBuilder(SidecarProcess.LAUNCHER, "run", "--config", file().toString()))) {
      assertThat(process.exitCode()).isEqualTo(2);
      assertThat(process.err())
          .anyMatch(line -> line.contains("port=22 is in filter.exclude and in filter.include"))
          .anyMatch(line -> line.contains("port=23 is in filter.exclude and in filter.include"));
    }
  }

  @Test
  void wrongFiltersAtRunTimeLeaveThoseBefore() throws Exception {
    start(lists("port=" + PORT, ""));
    // The last line of the message.
    reload(lists("port=0, cidr=10.0.0.1/8", ""), "the network is 10.0.0.0/8");
    assertThat(lines("the configuration has 2 problem(s); the filters stay as they were"))
        .hasSize(1);
    reload(lists("cgroup=/none, cgroup=/nobody", ""), "cgroup=/nobody");
    reload("filter: {exclude: port=%d}\nlog: {level: debug}".formatted(PORT), "need a restart");
    assertThat(lines("need a restart: log.level")).hasSize(1);
    assertWatched("the filters before", "o3 i3 o4 i4");
    MetricsPage page = MetricsPage.of(sidecar);
    assertThat(page.sum("meshlens_filter_reload_failures_total", Map.of())).isEqualTo(2);
    assertThat(page.sum("meshlens_filter_reloads_total", Map.of())).isEqualTo(1);
  }

  /** Runs a sidecar inside the watched cgroup, with a receiver; ports whose records it made. */
  private List<Integer> ownPorts(String ownTraffic) throws Exception {
    AtomicInteger pushes = new AtomicInteger();
    HttpServer receiver =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    receiver.createContext(
        "/",
        exchange -> {
          exchange.getRequestBody().readAllBytes();
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
          pushes.incrementAndGet();
        });
    receiver.start();
    int port = receiver.getAddress().getPort();
    sidecar =
        SidecarProcess.runAt(
            cgroup.entrance(),
            "cgroup=" + cgroup.path(),
            "metrics.otlp.endpoint=http://127.0.0.1:" + port + "/v1/metrics",
            "metrics.otlp.protocol=http/protobuf",
            "metrics.otlp.interval=1s",
            "filter.own_traffic=" + ownTraffic);
    ChildProcess.await("pushes", () -> Optional.of(true).filter(x -> pushes.get() >= 3));
    assertThat(sidecar.get("/metrics").statusCode()).isEqualTo(200);
    receiver.stop(0);
    server.run("l = listen('127.0.0.1', %d)", PORT);
    client.run("s = dial('127.0.0.1', %d); s.close()", PORT);
    server.run("finish(l.accept()[0])");
    sidecar.awaitRecords(PORT, 2);
    Thread.sleep(500);
    return sidecar.records(r -> !r.at("/destination/port").asText().equals("" + PORT)).stream()
        .map(r -> r.at("/destination/port").asInt() == port ? 1 : 0)
        .distinct()
        .sorted()
        .toList();
  }

  @Test
  void ownTrafficIsNotReported() throws Exception {
    assertThat(ownPorts("false")).isEmpty();
    assertThat(MetricsPage.of(sidecar).sum(FILTERED, Map.of("cause", "own_traffic")))
        .isGreaterThanOrEqualTo(2);
  }

  @Test
  void ownTrafficIsReportedWhenAskedFor() throws Exception {
    // 1: its push, 0: the scrape.
    assertThat(ownPorts("true")).containsExactly(0, 1);
    assertThat(MetricsPage.of(sidecar).sum(FILTERED, Map.of())).isZero();
  }
}
