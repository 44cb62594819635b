// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Memory of the program beside a receiver that takes streams and never reads them, until its bound
 * is full and more than that is dropped.
 */
@RequiresKernel
class HungReceiverIT {
  /** Served before memory is looked at: the heap has grown, code is compiled, buffers are there. */
  private static final int WARM_UP_CONNECTIONS = 10_000;

  /** Their records have room in the queue of a program that is still cold. */
  private static final int WARM_UP_ROUND_CONNECTIONS = 2_000;

  private static final int ROUND_CONNECTIONS = 500;
  private static final long BOUND_BYTES = 8 << 20;

  /**
   * What memory may take beside the records, whatever their bound is: the heap of the launcher may
   * grow from 16 to 64 MiB when the collector finds it worth while.
   */
  private static final long ALLOWANCE_BYTES = 24 << 20;

  @TempDir private Path temporary;

  @Test
  void withASpoolMemoryGrowsByLessThanTheAllowance() throws Exception {
    fill(
        0,
        "access_log.delivery=at_least_once",
        "access_log.spool.directory=" + temporary,
        "access_log.spool.max_size=4MiB");
  }

  @Test
  void withoutASpoolMemoryGrowsByNoMoreThanItsBoundAndTheAllowance() throws Exception {
    fill(BOUND_BYTES, "access_log.delivery=best_effort", "access_log.memory_size=" + BOUND_BYTES);
  }

  private static void fill(long boundBytes, String... settings) throws Exception {
    List<String> all = new ArrayList<>(List.of(settings));
    try (CollectingServer server = new CollectingServer("als_server.py", "serve", "ids");
        Churn churn = new Churn()) {
      all.addAll(
          List.of(
              "kernel.pin_path=off",
              "filter.include=port=" + churn.port(),
              "access_log.stdout.enabled=false",
              "access_log.als.address=127.0.0.1:" + server.port(),
              "access_log.als.stream_interval=500ms",
              "shutdown.timeout=1s"));
      try (SidecarProcess sidecar = SidecarProcess.run(all.toArray(String[]::new))) {
        while (churn.made() < WARM_UP_CONNECTIONS) {
          churn.make(WARM_UP_ROUND_CONNECTIONS);
          ChildProcess.await(
              "the warm-up to be delivered",
              () ->
                  Optional.of(true)
                      .filter(x -> metric(sidecar, "delivered_total") == 2L * churn.made()));
        }
        server.command("hang");
        ResidentMemory before = ResidentMemory.of(sidecar.process().pid());
        while (dropped(sidecar) < 2L * ROUND_CONNECTIONS) {
          churn.make(ROUND_CONNECTIONS);
        }
        ResidentMemory after = ResidentMemory.of(sidecar.process().pid());
        System.out.printf(
            "%s: resident %d KiB, with a hung receiver at most %d KiB; %d records and %d KiB wait,"
                + " %d dropped, %d connections%n",
            settings[0],
            before.nowKib(),
            after.peakKib(),
            metric(sidecar, "waiting"),
            metric(sidecar, "waiting_size_bytes") >> 10,
            dropped(sidecar),
            churn.made() - WARM_UP_CONNECTIONS);
        assertThat((after.peakKib() - before.nowKib()) << 10)
            .isLessThanOrEqualTo(boundBytes + ALLOWANCE_BYTES);
        assertThat(metric(sidecar, "lost_total")).isEqualTo(dropped(sidecar));
      }
    }
  }

  private static long dropped(SidecarProcess sidecar) {
    return sum(sidecar, "lost_total", Map.of("cause", "oldest_dropped"));
  }

  private static long metric(SidecarProcess sidecar, String name) {
    return sum(sidecar, name, Map.of());
  }

  private static long sum(SidecarProcess sidecar, String name, Map<String, String> labels) {
    try {
      return sidecar.metric("meshlens_access_log_als_" + name, labels);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
