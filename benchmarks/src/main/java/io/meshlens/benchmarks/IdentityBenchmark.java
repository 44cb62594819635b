// SPDX-License-Identifier: Apache-2.0
package io.meshlens.benchmarks;

import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.accesslog.JsonFormat;
import io.meshlens.enrich.ContainerOwners;
import io.meshlens.enrich.Directory;
import io.meshlens.enrich.EpochNs;
import io.meshlens.enrich.IdentitySource;
import io.meshlens.enrich.Naming;
import io.meshlens.enrich.TimedClaims;
import io.meshlens.flow.Address;
import io.meshlens.flow.Connection;
import io.meshlens.flow.Identity;
import io.meshlens.vitals.Vitals;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Looking up identities among 20,000 pods and 1,000 services, in random order: one address, and
 * both ends of a connection with its line. All must show an allocation rate of (about) 0 B/op; one
 * commit shows what it allocates.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 3,
    jvmArgsAppend = {"-XX:+UseSerialGC", "-Xms16m", "-Xmx64m", "-XX:ReservedCodeCacheSize=48m"})
public class IdentityBenchmark {
  private static final int PODS = 20_000;
  private static final int SERVICES = 1_000;
  private static final int ASKED = 1 << 12;
  private static final long MAPPED = 0xffff_0000_0000L;
  private static final long FIRST_POD = MAPPED | 0x0a00_0100L;
  private static final long FIRST_SERVICE = MAPPED | 0x0a60_0100L;
  private static final long FIRST_UNKNOWN = MAPPED | 0xc000_0200L;

  private final Directory directory =
      new Directory(
          List.of(IdentitySource.values()),
          Duration.ofMinutes(5),
          10_000,
          InstantSource.system(),
          new Vitals());
  private final TimedClaims claims = directory.claims(IdentitySource.KUBERNETES);
  private final Naming naming =
      new Naming(
          directory, new ContainerOwners(), Naming.ContainerUse.NAMES_THE_REST, new Vitals());
  private final JsonFormat format =
      new JsonFormat(new ConnectionIds("1f0c2a9b-3d4e-4f50-8a6b-7c8d9e0fa1b2"));
  private final byte[] line = new byte[JsonFormat.MAX_LINE_BYTES];
  private final long[] pods = new long[ASKED];
  private final long[] unknown = new long[ASKED];
  private final Connection[] connections = new Connection[64];
  private final long now = EpochNs.of(Instant.now());
  private int next;

  /** Fills the directory, and refuses to measure when it does not answer. */
  @Setup
  public void fill() {
    for (int i = 0; i < PODS; i++) {
      claims.assign(new Address(0, FIRST_POD + i), pod(i, 1), 0);
    }
    for (int i = 0; i < SERVICES; i++) {
      claims.assign(new Address(0, FIRST_SERVICE + i), service(i), 0);
    }
    claims.commit();
    Random random = new Random(1);
    for (int i = 0; i < ASKED; i++) {
      pods[i] = FIRST_POD + random.nextInt(PODS);
      unknown[i] = FIRST_UNKNOWN + random.nextInt(PODS);
    }
    for (int i = 0; i < connections.length; i++) {
      Connection c = new Connection();
      c.endEpochNs = now;
      c.localLow = pods[i];
      c.localPort = 40_000;
      c.remoteLow = pods[2 * i + 1];
      c.remotePort = 80;
      c.dialledLow = FIRST_SERVICE + i;
      c.dialledPortOrZero = 80;
      connections[i] = c;
    }
    naming.name(connections[0]);
    if (known().isUnknown()
        || !unknown().isUnknown()
        || !connections[0].destination.service().equals("service-0")) {
      throw new IllegalStateException("the directory does not answer");
    }
  }

  private static Identity pod(int number, int version) {
    return Identity.builder()
        .cluster("cluster-1")
        .node("node-" + number / 100)
        .namespace("namespace-" + number % 100)
        .workload("workload-" + number / 20, "Deployment")
        .pod("workload-" + number / 20 + "-5d4f-" + number)
        .version("v" + version)
        .source("kubernetes")
        .build();
  }

  private static Identity service(int number) {
    return Identity.builder()
        .service("service-" + number, "shop", "service-" + number + ".shop.svc.cluster.local")
        .source("kubernetes")
        .build();
  }

  /** An address that the first source knows. */
  @Benchmark
  public Identity known() {
    return directory.find(0, pods[next++ & ASKED - 1], now);
  }

  /** An address that all three sources are asked for in vain. */
  @Benchmark
  public Identity unknown() {
    return directory.find(0, unknown[next++ & ASKED - 1], now);
  }

  /** Client, server and dialled service of a connection. */
  @Benchmark
  public Identity name() {
    Connection c = connections[next++ & connections.length - 1];
    naming.name(c);
    return c.destination;
  }

  /** The same and the connection's line. */
  @Benchmark
  public int nameAndFormat() {
    Connection c = connections[next++ & connections.length - 1];
    naming.name(c);
    return format.write(c, line, 0);
  }

  /** One changed pod, visible. */
  @Benchmark
  public void commit() {
    int number = next++ % PODS;
    claims.assign(new Address(0, FIRST_POD + number), pod(number, next), 0);
    claims.commit();
  }
}
