// SPDX-License-Identifier: Apache-2.0
package io.meshlens.benchmarks;

import com.google.common.net.HostAndPort;
import com.sun.management.OperatingSystemMXBean;
import io.meshlens.enrich.AddressClaims;
import io.meshlens.enrich.xds.DiscoveryConfig;
import io.meshlens.enrich.xds.NodeIdentity;
import io.meshlens.enrich.xds.WorkloadDiscovery;
import io.meshlens.flow.Address;
import io.meshlens.flow.Identity;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Readiness;
import io.meshlens.vitals.SelfMetric;
import io.meshlens.vitals.Vitals;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;

/**
 * What it costs to learn of every workload from a control plane, and what stays in memory; run by
 * workload-discovery.sh, with the program's own JVM options. The claims go nowhere: the directory
 * is not measured, the identities that it shares with the client are.
 */
public final class WorkloadDiscoveryCost {
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private WorkloadDiscoveryCost() {}

  /** Takes PORT. */
  public static void main(String[] args) throws InterruptedException {
    DiscoveryConfig config =
        new DiscoveryConfig(
            HostAndPort.fromParts("127.0.0.1", Integer.parseInt(args[0])),
            new DiscoveryConfig.Plaintext(),
            new NodeIdentity("ztunnel~127.0.0.1~a.b~b.svc.cluster.local", "node", "blue", ""),
            "",
            1 << 20,
            1 << 29,
            PATIENCE);
    // The first connection loads classes; their memory is the program's anyway, by its exporters.
    learn(config).end();
    long heapBefore = heapBytes();
    ManagementFactory.getMemoryPoolMXBeans().forEach(MemoryPoolMXBean::resetPeakUsage);
    long cpuBeforeNs = processCpuNs();
    long startNs = System.nanoTime();
    Learner learner = learn(config);
    double wallMs = (System.nanoTime() - startNs) / 1e6;
    double cpuMs = (processCpuNs() - cpuBeforeNs) / 1e6;
    long peak = peakBytes();
    long heapAfter = heapBytes();
    System.out.printf(
        Locale.ROOT,
        "%d addresses: %.0f ms, %.0f ms of processor time, %.1f MiB kept (%d bytes each), heap at"
            + " most %.1f MiB, %.1f before%n",
        learner.addresses(),
        wallMs,
        cpuMs,
        (heapAfter - heapBefore) / 1048576.0,
        (heapAfter - heapBefore) / learner.addresses(),
        peak / 1048576.0,
        heapBefore / 1048576.0);
    learner.end();
  }

  private static Learner learn(DiscoveryConfig config) throws InterruptedException {
    Learner learner = new Learner(config);
    learner.await();
    return learner;
  }

  private static long heapBytes() throws InterruptedException {
    for (int i = 0; i < 3; i++) {
      System.gc();
      Thread.sleep(50);
    }
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  private static long peakBytes() {
    return ManagementFactory.getMemoryPoolMXBeans().stream()
        .filter(pool -> pool.getType() == MemoryType.HEAP)
        .mapToLong(pool -> pool.getPeakUsage().getUsed())
        .sum();
  }

  private static long processCpuNs() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  /** A client on its thread, until the first commit. */
  private static final class Learner implements AddressClaims {
    private final CountDownLatch committed = new CountDownLatch(1);
    private final WorkloadDiscovery discovery;
    private final Thread thread;

    Learner(DiscoveryConfig config) {
      discovery =
          new WorkloadDiscovery(
              config,
              "benchmark",
              this,
              System::nanoTime,
              new Readiness(),
              new Vitals(),
              new Log(System.err, Log.Level.WARN, InstantSource.system()));
      thread = Thread.ofPlatform().name("identity-istio").daemon().start(discovery);
    }

    void await() throws InterruptedException {
      committed.await();
      while (addresses() == 0) {
        Thread.sleep(1);
      }
    }

    long addresses() {
      return discovery.gauges().stream()
          .filter(gauge -> gauge.metric() == SelfMetric.IDENTITY_ISTIO_CLAIMED)
          .mapToLong(gauge -> gauge.value().getAsLong())
          .sum();
    }

    void end() throws InterruptedException {
      discovery.end();
      thread.join(Duration.ofSeconds(5));
    }

    @Override
    public void assign(Address address, Identity identity) {
      // Nobody looks it up.
    }

    @Override
    public void withdraw(Address address) {
      // As above.
    }

    @Override
    public void commit() {
      committed.countDown();
    }
  }
}
