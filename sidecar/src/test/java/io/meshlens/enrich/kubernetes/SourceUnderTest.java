// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import io.meshlens.enrich.ContainerOwners;
import io.meshlens.enrich.Directory;
import io.meshlens.enrich.EpochNs;
import io.meshlens.enrich.IdentitySource;
import io.meshlens.enrich.Named;
import io.meshlens.flow.Identity;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Readiness;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.assertj.core.api.Assertions;

/** The whole source with its threads, and the directory that it fills. */
final class SourceUnderTest implements AutoCloseable {
  final Vitals vitals = new Vitals();
  final Readiness readiness = new Readiness();
  final ContainerOwners containers = new ContainerOwners();
  final Directory directory =
      new Directory(
          List.of(IdentitySource.KUBERNETES),
          Duration.ofMinutes(5),
          10_000,
          InstantSource.system(),
          vitals);
  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
  private final List<Thread> threads = new ArrayList<>();
  private final KubernetesSource source;

  SourceUnderTest(URI server, Path tokenFile, Path certificateAuthority, Duration idle)
      throws IOException {
    KubernetesConfig config =
        new KubernetesConfig(
            Optional.of(server),
            Optional.empty(),
            tokenFile,
            certificateAuthority,
            "c1",
            "",
            "cluster.local",
            "istio-system",
            "n1",
            idle,
            idle,
            Duration.ofMillis(50),
            Duration.ofMillis(400));
    Log log =
        new Log(
            new PrintStream(printed, true, StandardCharsets.UTF_8),
            Log.Level.WARN,
            InstantSource.system());
    source =
        new KubernetesSource(
            config,
            directory.claims(IdentitySource.KUBERNETES),
            containers,
            readiness,
            vitals,
            log,
            new Random());
    source.watches().values().forEach(watch -> threads.add(Thread.ofPlatform().start(watch)));
    threads.add(Thread.ofPlatform().start(source));
  }

  Identity who(String address) {
    Instant now = Instant.now();
    return Named.find(directory, address, EpochNs.of(now));
  }

  String printed() {
    return printed.toString(StandardCharsets.UTF_8);
  }

  void await(BooleanSupplier condition, Supplier<String> otherwise) {
    await(Duration.ofSeconds(20), condition, otherwise);
  }

  /** Waits for what has to happen; says what is there instead when it does not. */
  void await(Duration most, BooleanSupplier condition, Supplier<String> otherwise) {
    Instant deadline = Instant.now().plus(most);
    while (!condition.getAsBoolean()) {
      if (Instant.now().isAfter(deadline)) {
        Assertions.fail(otherwise.get() + "; printed: " + printed() + "; " + readiness.lines());
      }
      try {
        Thread.sleep(10);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  void awaitWorkload(String address, String workload) {
    await(() -> who(address).workload().equals(workload), () -> address + " is " + who(address));
  }

  void awaitVital(Vital vital, long least) {
    await(() -> vitals.get(vital) >= least, () -> vital + " is " + vitals.get(vital));
  }

  /** Ends every thread; whether all ended at once. */
  boolean end() {
    threads.forEach(Thread::interrupt);
    boolean ended = true;
    for (Thread thread : threads) {
      try {
        ended &= thread.join(Duration.ofSeconds(5));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    return ended;
  }

  @Override
  public void close() {
    end();
    source.close();
  }
}
