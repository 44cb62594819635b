// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * At least once, for long: an application makes connections all the time, both receivers are away,
 * come back, and are killed again and again, and so is the program. What the receivers were told is
 * compared with what the application did. {@code make soak} is the long form.
 */
@RequiresKernel
class DeliverySoakIT {
  private static final Duration AWAY =
      Duration.ofSeconds(Integer.getInteger("meshlens.soak.away_seconds", 20));
  private static final int KILLS = Integer.getInteger("meshlens.soak.kills", 5);
  private static final int OWN_KILLS = Integer.getInteger("meshlens.soak.own_kills", 1);

  /** Longer than the longest pause between two attempts, and what has piled up has to be sent. */
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  private static final String ROW = "| %-29s | %4s | %11s | %9s | %10s | %4s | %13s | %15s |%n";

  /** Of a sample that is not 0. */
  private static final Pattern CAUSE =
      Pattern.compile("cause=\"(?<cause>[^\"]*)\".*} (?<count>.*[1-9].*)$");

  @TempDir private Path temporary;
  private final Random random = new Random(20261121);
  private MountedBpfFileSystem pins;
  private Churn churn;
  private List<SoakReceiver> receivers = List.of();
  private SidecarProcess sidecar;
  private long peakRssKib;
  private long largestSpoolBytes;

  @BeforeEach
  void start() throws Exception {
    pins = new MountedBpfFileSystem();
    churn = new Churn();
    receivers =
        List.of(
            new SoakReceiver("als", "als_server.py", "serve", "ids"),
            new SoakReceiver("otlp", "otlp_log_server.py", "grpc", "ids"));
    startSidecar();
  }

  @AfterEach
  void end() throws Exception {
    if (sidecar != null) {
      sidecar.close();
    }
    receivers.forEach(SoakReceiver::close);
    churn.close();
    pins.close();
  }

  private void startSidecar() throws Exception {
    sidecar =
        SidecarProcess.run(
            "kernel.pin_path=" + pins.path("meshlens"),
            "filter.include=port=" + churn.port(),
            "access_log.stdout.enabled=false",
            "access_log.delivery=at_least_once",
            "access_log.spool.directory=" + temporary.resolve("spool"),
            "access_log.als.address=127.0.0.1:" + receivers.get(0).port(),
            "access_log.als.stream_interval=1s",
            "access_log.otlp.endpoint=http://127.0.0.1:" + receivers.get(1).port(),
            "shutdown.timeout=3s");
  }

  /** What happens while the application goes on. */
  private interface Disturbance {
    void happen() throws Exception;
  }

  /** About a hundred connections a second until closed. */
  private static final class Load implements AutoCloseable {
    private final Thread thread;
    private volatile boolean over;
    private volatile @Nullable IOException failure;

    Load(Churn churn) {
      thread =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      while (!over) {
                        churn.make(2);
                        Thread.sleep(20);
                      }
                    } catch (IOException e) {
                      failure = e;
                    } catch (InterruptedException e) {
                      Thread.currentThread().interrupt();
                    }
                  });
    }

    @Override
    public void close() throws IOException, InterruptedException {
      over = true;
      thread.join();
      IOException thrown = failure;
      if (thrown != null) {
        throw thrown;
      }
    }
  }

  @Test
  void nothingIsMissingAfterAnOutageAndKillsInTheMiddleOfStreams() throws Exception {
    System.out.printf(
        ROW,
        "while connections come and go",
        "to",
        "connections",
        "delivered",
        "duplicates",
        "lost",
        "peak RSS, MiB",
        "spool most, KiB");
    phase("everybody is there", () -> watch(Duration.ofSeconds(3)));
    assertThat(receivers).allMatch(receiver -> receiver.duplicates() == 0);
    phase("receivers away for " + AWAY.toSeconds() + " s", () -> outage(AWAY));
    phase("receivers killed " + KILLS + " times", this::killReceivers);
    for (SoakReceiver receiver : receivers) {
      assertThat(metric(receiver, "delivered_total")).isEqualTo(2L * churn.made());
      assertThat(receiver.duplicates()).isLessThanOrEqualTo(metric(receiver, "resent_total"));
    }
    assertThat(receivers.getFirst().duplicates()).isPositive();
    phase("program killed " + OWN_KILLS + " times", this::killSidecar);
  }

  private void outage(Duration away) throws Exception {
    for (SoakReceiver receiver : receivers) {
      receiver.kill();
    }
    watch(away);
    for (SoakReceiver receiver : receivers) {
      receiver.comeBack();
    }
  }

  /** Every time once a stream was confirmed, so that the next is under way. */
  private void killReceivers() throws Exception {
    for (int i = 0; i < KILLS; i++) {
      for (SoakReceiver receiver : receivers) {
        long before = metric(receiver, "delivered_total");
        ChildProcess.await(
            "deliveries to " + receiver.name(),
            PATIENCE,
            () -> Optional.of(true).filter(x -> metric(receiver, "delivered_total") > before));
      }
      Thread.sleep(random.nextInt(900));
      sample();
      outage(Duration.ZERO);
    }
  }

  private void killSidecar() throws Exception {
    for (int i = 0; i < OWN_KILLS; i++) {
      Thread.sleep(200 + random.nextInt(1800));
      sample();
      sidecar.process().kill();
      assertThat(sidecar.process().exitCode()).isEqualTo(128 + 9);
      startSidecar();
    }
  }

  /** One row of the table: nothing is missing at its end. */
  private void phase(String what, Disturbance disturbance) throws Exception {
    int madeBefore = churn.made();
    List<Integer> idsBefore = receivers.stream().map(SoakReceiver::ids).toList();
    List<Long> duplicatesBefore = receivers.stream().map(SoakReceiver::duplicates).toList();
    peakRssKib = 0;
    largestSpoolBytes = 0;
    try (Load load = new Load(churn)) {
      disturbance.happen();
    }
    sample();
    Set<String> truth = churn.truth();
    for (int i = 0; i < receivers.size(); i++) {
      SoakReceiver receiver = receivers.get(i);
      awaitEverything(receiver, truth);
      System.out.printf(
          ROW,
          what,
          receiver.name(),
          churn.made() - madeBefore,
          receiver.ids() - idsBefore.get(i),
          receiver.duplicates() - duplicatesBefore.get(i),
          losses(receiver),
          peakRssKib >> 10,
          largestSpoolBytes >> 10);
    }
  }

  private void awaitEverything(SoakReceiver receiver, Set<String> truth) throws Exception {
    try {
      ChildProcess.await(
          "everything to be confirmed by " + receiver.name(),
          PATIENCE,
          () ->
              Optional.of(true)
                  .filter(
                      x ->
                          receiver.said().size() >= truth.size()
                              && metric(receiver, "waiting") == 0));
    } catch (AssertionError e) {
      Set<String> missing = new TreeSet<>(truth);
      missing.removeAll(receiver.said());
      throw new AssertionError(
          "missing %d of %d, such as %s; stderr: %s"
              .formatted(
                  missing.size(),
                  truth.size(),
                  missing.stream().limit(5).toList(),
                  sidecar.process().err()),
          e);
    }
    assertThat(receiver.said()).isEqualTo(truth);
    assertThat(receiver.ids()).isEqualTo(truth.size());
    assertThat(receiver.contradictions()).isEmpty();
    assertThat(losses(receiver)).isEqualTo("none");
  }

  private void watch(Duration duration) throws Exception {
    long end = System.nanoTime() + duration.toNanos();
    while (System.nanoTime() < end) {
      sample();
      Thread.sleep(500);
    }
  }

  private void sample() throws IOException, InterruptedException {
    peakRssKib = Math.max(peakRssKib, ResidentMemory.of(sidecar.process().pid()).peakKib());
    for (SoakReceiver receiver : receivers) {
      largestSpoolBytes = Math.max(largestSpoolBytes, metric(receiver, "waiting_size_bytes"));
      assertThat(losses(receiver)).isEqualTo("none");
    }
  }

  /** What the program says that it lost, by cause. */
  private String losses(SoakReceiver receiver) throws InterruptedException {
    String metric = "meshlens_access_log_" + receiver.name() + "_lost_total{";
    String lost =
        sidecar
            .get("/metrics")
            .body()
            .lines()
            .filter(line -> line.startsWith(metric))
            .map(CAUSE::matcher)
            .filter(Matcher::find)
            .map(found -> found.group("cause") + " " + found.group("count"))
            .collect(joining(", "));
    return lost.isEmpty() ? "none" : lost;
  }

  private long metric(SoakReceiver receiver, String name) {
    try {
      return sidecar.metric("meshlens_access_log_" + receiver.name() + "_" + name, Map.of());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
