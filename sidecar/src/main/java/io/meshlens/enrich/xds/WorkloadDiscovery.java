// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.xds;

import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryRequest;
import io.grpc.Status;
import io.meshlens.enrich.AddressClaims;
import io.meshlens.enrich.Pauses;
import io.meshlens.vitals.Gauge;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Readiness;
import io.meshlens.vitals.SelfMetric;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Asks the control plane of Istio ambient or Kmesh who has which address, and keeps that true: one
 * delta stream of all workloads and services, made again when it breaks, with the versions of what
 * is known, so that only differences come.
 *
 * <ol>
 *   <li>What a response says comes into force at once, or not at all for readers in between.
 *   <li>A lost connection takes nothing away: names are then as of its end.
 *   <li>A server that does not answer a new stream within {@link DiscoveryConfig#patience}, or
 *       whose connection does not answer keep-alive, is left and tried again.
 * </ol>
 *
 * <p>{@link #run} is owned by identity-istio; {@link #end} and gauges are for any thread.
 */
public final class WorkloadDiscovery implements Runnable {
  private static final String NOTE = "identity-istio";
  private static final String NETWORK_NOTE = "identity-istio-network";
  private static final long FILES_LOOK_MS = 250;
  private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  /** A little less than what gRPC servers take of a request, istiod among them. */
  private static final int MOST_REQUEST_BYTES = 4_000_000;

  private final DiscoveryConfig config;
  private final String version;
  private final LongSupplier monoNs;
  private final Readiness readiness;
  private final Vitals vitals;
  private final Log log;
  private final WorkloadTable table;
  private final Intake intake;
  private final Pauses pauses =
      new Pauses(FIRST_PAUSE, LONGEST_PAUSE, RandomGenerator.getDefault());
  private final CountDownLatch ending = new CountDownLatch(1);
  private volatile @Nullable DeltaStream current;
  private volatile boolean connected;

  /** Owned by: identity-istio. What the next response holds. */
  private Intake.Extent extent = Intake.Extent.CHANGES;

  /**
   * @param version of this program, which the control plane is told
   * @param claims owned by the thread that runs this
   * @param monoNs the monotonic clock, nanoseconds
   */
  public WorkloadDiscovery(
      DiscoveryConfig config,
      String version,
      AddressClaims claims,
      LongSupplier monoNs,
      Readiness readiness,
      Vitals vitals,
      Log log) {
    this.config = config;
    this.version = version;
    this.monoNs = monoNs;
    this.readiness = readiness;
    this.vitals = vitals;
    this.log = log;
    table = new WorkloadTable(config.maxResources(), claims);
    intake = new Intake(table, new ResourceReader(config.network()), vitals, log);
  }

  /** Levels to be exported. */
  public List<Gauge> gauges() {
    return List.of(
        new Gauge(SelfMetric.IDENTITY_ISTIO_CONNECTED, () -> connected ? 1 : 0),
        new Gauge(SelfMetric.IDENTITY_ISTIO_RESOURCES, () -> table.levels().resources()),
        new Gauge(SelfMetric.IDENTITY_ISTIO_CAPACITY, config::maxResources),
        new Gauge(SelfMetric.IDENTITY_ISTIO_CLAIMED, () -> table.levels().addresses()),
        new Gauge(SelfMetric.IDENTITY_ISTIO_FOREIGN, () -> table.levels().foreign()),
        new Gauge(SelfMetric.IDENTITY_ISTIO_SHARED, () -> table.levels().shared()),
        new Gauge(SelfMetric.IDENTITY_ISTIO_AMBIGUOUS, () -> table.levels().ambiguous()),
        new Gauge(SelfMetric.IDENTITY_ISTIO_DISPUTED, () -> table.levels().disputed()));
  }

  /** Asks the thread to end: within a second, whatever the server does. */
  public void end() {
    ending.countDown();
    DeltaStream stream = current;
    if (stream != null) {
      stream.wake();
    }
  }

  private boolean isEnding() {
    return ending.getCount() == 0;
  }

  /** Connects and listens until {@link #end} or an interrupt. */
  @Override
  public void run() {
    readiness.note(NOTE, "no answer yet from " + config.describe() + ": it gives nobody a name");
    try {
      while (!isEnding()) {
        Optional<String> files = ControlPlane.fingerprint(config);
        connect();
        pause(pauses.next(), files);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      connected = false;
    }
  }

  /** One connection, whatever happens to it. */
  private void connect() throws InterruptedException {
    try {
      converse();
    } catch (ControlPlane.CredentialsException e) {
      fail(new Failure(Vital.ISTIO_STREAMS_FAILED_CREDENTIALS, String.valueOf(e.getMessage())));
    } catch (RuntimeException e) {
      // A bug of ours or of gRPC must not end discovery for good.
      fail(new Failure(Vital.ISTIO_STREAMS_FAILED_BROKEN, Failure.reasons(e)));
      log.error("the stream of the control plane broke unexpectedly", e);
    }
  }

  private void converse() throws InterruptedException, ControlPlane.CredentialsException {
    try (ControlPlane plane = ControlPlane.open(config)) {
      DeltaStream stream = plane.stream(this::receive);
      current = stream;
      try {
        stream.send(firstRequest());
        Optional<Status> end = stream.serve(config.patience(), monoNs, this::isEnding);
        if (!isEnding()) {
          judge(stream, end);
        }
      } finally {
        connected = false;
        current = null;
        stream.close();
      }
    }
  }

  private void judge(DeltaStream stream, Optional<Status> end) {
    if (end.isEmpty()) {
      fail(
          new Failure(
              Vital.ISTIO_STREAMS_FAILED_SILENT,
              "no answer in " + config.patience().toMillis() + " ms"));
    } else if (end.get().isOk() && stream.hasAnswered()) {
      // Istio ends each stream after half an hour.
      log.debug("the control plane " + config.address() + " ended its stream; connecting again");
    } else {
      fail(Failure.of(end.get()));
    }
  }

  private void fail(Failure failure) {
    boolean never = table.levels().equals(WorkloadTable.Levels.NONE);
    readiness.note(
        NOTE,
        "%s: %s; %s"
            .formatted(
                config.describe(),
                failure.reason(),
                never ? "it gives nobody a name" : "its names are as of before"));
    log.warnRepeated(
        "istio",
        "control plane %s: %s; trying again".formatted(config.describe(), failure.reason()));
    vitals.increment(failure.vital());
  }

  /** Says what is known; when that is too much for a request, everything is told anew. */
  private DeltaDiscoveryRequest firstRequest() {
    DeltaDiscoveryRequest.Builder request =
        DeltaDiscoveryRequest.newBuilder()
            .setNode(config.node().message(version))
            .setTypeUrl(ResourceReader.TYPE_URL)
            .addResourceNamesSubscribe("*");
    table.forEachVersion(request::putInitialResourceVersions);
    DeltaDiscoveryRequest whole = request.build();
    if (whole.getSerializedSize() <= MOST_REQUEST_BYTES) {
      extent = Intake.Extent.CHANGES;
      return whole;
    }
    extent = Intake.Extent.EVERYTHING;
    return request.clearInitialResourceVersions().build();
  }

  private Optional<DeltaDiscoveryRequest> receive(InputStream response) throws IOException {
    Optional<DeltaDiscoveryRequest> answer = intake.take(response, extent);
    extent = Intake.Extent.CHANGES;
    if (!connected) {
      connected = true;
      pauses.reset();
      readiness.clearNote(NOTE);
      log.info(
          "control plane %s: %d workloads and services"
              .formatted(config.describe(), table.levels().resources()));
    }
    noteNetworks();
    return answer;
  }

  /** Nothing but other networks is most often a missing setting. */
  private void noteNetworks() {
    WorkloadTable.Levels levels = table.levels();
    if (levels.foreign() > 0 && levels.addresses() == 0) {
      readiness.note(
          NETWORK_NOTE,
          "all %d addresses are of other networks%s; identity.istio.network is \"%s\""
              .formatted(
                  levels.foreign(),
                  intake.foreignNetwork().map(n -> ", such as " + Shown.text(n)).orElse(""),
                  config.network()));
    } else {
      readiness.clearNote(NETWORK_NOTE);
    }
  }

  /** Shorter when a file changes: a new token or certificate need not wait. */
  private void pause(Duration wait, Optional<String> files) throws InterruptedException {
    long endNs = monoNs.getAsLong() + wait.toNanos();
    while (!isEnding()) {
      long leftMs = TimeUnit.NANOSECONDS.toMillis(endNs - monoNs.getAsLong());
      if (leftMs <= 0 || !files.equals(ControlPlane.fingerprint(config))) {
        return;
      }
      if (ending.await(Math.min(leftMs, FILES_LOOK_MS), TimeUnit.MILLISECONDS)) {
        return;
      }
    }
  }
}
