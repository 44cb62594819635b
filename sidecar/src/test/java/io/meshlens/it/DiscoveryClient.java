// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.common.net.HostAndPort;
import io.meshlens.enrich.xds.DiscoveryConfig;
import io.meshlens.enrich.xds.NodeIdentity;
import io.meshlens.enrich.xds.RecordedClaims;
import io.meshlens.enrich.xds.WorkloadDiscovery;
import io.meshlens.flow.Identity;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Readiness;
import io.meshlens.vitals.SelfMetric;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The program's client of a control plane, on a thread as app makes it, with claims recorded. */
final class DiscoveryClient implements AutoCloseable {
  static final NodeIdentity NODE =
      new NodeIdentity(
          "ztunnel~10.9.9.9~meshlens-x7k2p.meshlens~meshlens.svc.cluster.local",
          "node-7",
          "blue",
          "");
  static final Duration PATIENCE = Duration.ofSeconds(20);

  final RecordedClaims claims = new RecordedClaims();
  final Vitals vitals = new Vitals();
  final Readiness readiness = new Readiness();
  private final ByteArrayOutputStream log = new ByteArrayOutputStream();
  private final WorkloadDiscovery discovery;
  private final Thread thread;

  DiscoveryClient(DiscoveryConfig config) {
    discovery =
        new WorkloadDiscovery(
            config,
            "9.9.9",
            claims,
            System::nanoTime,
            readiness,
            vitals,
            new Log(new PrintStream(log, true, UTF_8), Log.Level.DEBUG, InstantSource.system()));
    thread = Thread.ofPlatform().name("identity-istio").daemon().start(discovery);
  }

  static DiscoveryConfig config(int port, DiscoveryConfig.Security security) {
    return new DiscoveryConfig(
        HostAndPort.fromParts("127.0.0.1", port), security, NODE, "", 100_000, 1 << 26, PATIENCE);
  }

  /** Names of pods by address, and of services in angle brackets. */
  Map<String, String> names() {
    Map<String, String> names = new TreeMap<>();
    claims
        .owners()
        .forEach(
            (address, i) ->
                names.put(address, i.pod().isEmpty() ? "<" + i.service() + ">" : i.pod()));
    return names;
  }

  Identity owner(String address) {
    return claims.owners().getOrDefault(address, Identity.UNKNOWN);
  }

  void awaitNames(Map<String, String> expected) throws InterruptedException {
    try {
      ChildProcess.await("the names", () -> Optional.of(names()).filter(expected::equals));
    } catch (AssertionError e) {
      throw new AssertionError("expected " + expected + " but " + names() + "\n" + log(), e);
    }
  }

  void await(Vital vital, long atLeast) throws InterruptedException {
    ChildProcess.await(
        vital + " in " + log(), () -> Optional.of(vital).filter(v -> vitals.get(v) >= atLeast));
  }

  void awaitNoNotes() throws InterruptedException {
    ChildProcess.await(
        "no notes", () -> Optional.of(readiness.lines()).filter(lines -> lines.isEmpty()));
  }

  long level(SelfMetric gauge) {
    return discovery.gauges().stream()
        .filter(g -> g.metric() == gauge)
        .findFirst()
        .orElseThrow()
        .value()
        .getAsLong();
  }

  String log() {
    return log.toString(UTF_8);
  }

  boolean isAlive() {
    return thread.isAlive();
  }

  /** Asks it to end; how long that took. */
  Duration end() throws InterruptedException {
    long startNs = System.nanoTime();
    discovery.end();
    if (!thread.join(Duration.ofSeconds(10))) {
      throw new AssertionError("did not end\n" + log());
    }
    return Duration.ofNanos(System.nanoTime() - startNs);
  }

  @Override
  public void close() throws InterruptedException {
    end();
  }
}
