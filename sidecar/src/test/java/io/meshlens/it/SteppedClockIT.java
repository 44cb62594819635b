// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The wall clock is set back and forth by an hour amid deliveries: of the whole program, libraries
 * included, and of nobody else ({@code src/test/c/stepped_clock.c}). The monotonic clock, and what
 * the kernel tells, go on as they are.
 */
@RequiresKernel
class SteppedClockIT {
  @TempDir private Path temporary;
  private final List<SidecarProcess> sidecars = new ArrayList<>();
  private MountedBpfFileSystem pins;
  private CollectingServer als;
  private CollectingServer otlp;
  private Churn churn;
  private Path clock;

  @BeforeEach
  void start() throws Exception {
    pins = new MountedBpfFileSystem();
    als = new CollectingServer("als_server.py", "serve", "ids");
    otlp = new CollectingServer("otlp_log_server.py", "grpc");
    churn = new Churn();
    clock = temporary.resolve("clock");
    step(0);
    compile();
    sidecars.add(startSidecar());
  }

  @AfterEach
  void end() throws Exception {
    sidecars.forEach(SidecarProcess::close);
    for (AutoCloseable part : List.of(als, otlp, churn, pins)) {
      part.close();
    }
  }

  private SidecarProcess startSidecar() throws Exception {
    return SidecarProcess.runAt(
        List.of(
            "env", "LD_PRELOAD=" + temporary.resolve("stepped_clock.so"), "STEPPED_CLOCK=" + clock),
        "kernel.pin_path=" + pins.path("meshlens"),
        "filter.include=port=" + churn.port(),
        "access_log.stdout.enabled=false",
        "access_log.spool.directory=" + temporary.resolve("spool"),
        "access_log.spool.fsync=every_second",
        "access_log.als.address=127.0.0.1:" + als.port(),
        "access_log.als.stream_interval=500ms",
        "access_log.otlp.endpoint=http://127.0.0.1:" + otlp.port(),
        "shutdown.timeout=3s");
  }

  private void compile() throws IOException, InterruptedException {
    try (ChildProcess compiler =
        ChildProcess.of(
            "cc",
            "-O2",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-shared",
            "-fPIC",
            "-o",
            temporary.resolve("stepped_clock.so").toString(),
            "src/test/c/stepped_clock.c")) {
      assertThat(compiler.exitCode()).as("%s", compiler.err()).isZero();
    }
  }

  /** From now on the program's clock is so far from the true one. */
  private void step(int hours) throws IOException {
    ByteBuffer seconds = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());
    seconds.putLong(0, TimeUnit.HOURS.toSeconds(hours));
    // In place: the file is mapped.
    try (FileChannel file =
        FileChannel.open(clock, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      file.write(seconds, 0);
    }
  }

  /** Ids in the order in which they came, each once. */
  private List<String> alsIds() {
    Set<String> ids = new HashSet<>();
    List<String> inOrder = new ArrayList<>();
    for (JsonNode line : als.lines("ids")) {
      for (JsonNode record : line.path("ids")) {
        if (ids.add(record.path(0).asText())) {
          inOrder.add(record.path(0).asText());
        }
      }
    }
    return inOrder;
  }

  private List<String> otlpIds() {
    return otlp.lines("attributes").stream()
        .map(line -> line.at("/attributes/log.record.uid").asText())
        .distinct()
        .toList();
  }

  private void awaitEverything() throws Exception {
    int records = 2 * churn.made();
    ChildProcess.await(
        "all records",
        () ->
            Optional.of(true)
                .filter(x -> alsIds().size() >= records && otlpIds().size() >= records));
    assertThat(alsIds()).hasSize(records).isEqualTo(otlpIds());
  }

  /** How far the receiver saw the clock jump from one record to a later one, whole hours. */
  private List<Long> jumps() {
    List<Long> jumps = new ArrayList<>();
    long before = 0;
    for (JsonNode line : otlp.lines("attributes")) {
      long observedNs = line.path("observed_ns").asLong();
      long hours = before == 0 ? 0 : Math.round((observedNs - before) / 3.6e12);
      if (hours != 0) {
        jumps.add(hours);
      }
      before = observedNs;
    }
    return jumps;
  }

  private long metric(String name) throws InterruptedException {
    return sidecars.getLast().metric("meshlens_access_log_" + name, Map.of());
  }

  @Test
  void stepsOfTheClockDelayLoseDoubleAndReorderNothing() throws Exception {
    churn.make(50);
    awaitEverything();
    step(-1);
    churn.make(50);
    awaitEverything();
    step(1);
    churn.make(50);
    awaitEverything();

    // Streams are still ended in time, neither an hour late nor at once.
    int streams = als.lines("stream").size();
    for (int i = 0; i < 10; i++) {
      churn.make(5);
      Thread.sleep(300);
    }
    assertThat(als.lines("stream").size() - streams).isBetween(3, 12);
    awaitEverything();
    assertThat(metric("als_resent_total")).isZero();
    assertThat(metric("otlp_resent_total")).isZero();

    // Set back while both pause between two attempts.
    als.command("down");
    otlp.command("down");
    churn.make(50);
    ChildProcess.await("two failures", () -> Optional.of(true).filter(x -> failures() >= 4));
    step(-1);
    churn.make(50);
    als.command("up");
    otlp.command("up");
    awaitEverything();
    assertThat(metric("als_lost_total") + metric("otlp_lost_total")).isZero();
    assertThat(jumps()).containsExactly(-1L, 2L, -2L);
  }

  private long failures() {
    try {
      return metric("als_stream_failures_total") + metric("otlp_export_failures_total");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aSpoolThatWasWrittenInTheFutureIsDelivered() throws Exception {
    als.command("down");
    otlp.command("down");
    step(1);
    churn.make(50);
    ChildProcess.await("the spool to have them", () -> Optional.of(true).filter(x -> waits(200)));
    sidecars.getLast().process().kill();
    sidecars.getLast().process().exitCode();
    step(-1);
    sidecars.add(startSidecar());
    churn.make(50);
    als.command("up");
    otlp.command("up");
    awaitEverything();
    assertThat(metric("als_lost_total") + metric("otlp_lost_total")).isZero();
    assertThat(jumps()).containsExactly(-2L);
  }

  private boolean waits(long records) {
    try {
      return metric("als_waiting") + metric("otlp_waiting") == records;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
