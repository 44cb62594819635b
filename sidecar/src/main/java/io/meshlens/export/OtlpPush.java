// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.export.Answer.Accepted;
import io.meshlens.export.Answer.Cause;
import io.meshlens.export.Answer.Failed;
import io.meshlens.export.OtlpConfig.Histograms;
import io.meshlens.metrics.MeshMetrics;
import io.meshlens.vitals.Durations;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.SelfMetric;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.metrics.Aggregation;
import io.opentelemetry.sdk.metrics.InstrumentType;
import io.opentelemetry.sdk.metrics.data.AggregationTemporality;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.metrics.export.CollectionRegistration;
import io.opentelemetry.sdk.metrics.export.MetricReader;
import io.opentelemetry.sdk.resources.Resource;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/**
 * The thread export-otlp: collects at each interval and sends, with retries, within the interval.
 *
 * <ol>
 *   <li>Pushes never overlap: one thread does them one after the other.
 *   <li>What was not confirmed is in the next push: the sums are cumulative, differences are taken
 *       from what was confirmed, and last values of series that are gone wait in {@link Backlog}.
 *       Series about connections are not gone before they were confirmed: see {@link MeshPush}.
 *   <li>Each wait has an end: an answer's, a retry's, and the push's.
 * </ol>
 */
public final class OtlpPush implements MetricReader, Runnable {
  private static final Duration FIRST_RETRY = Duration.ofMillis(500);
  private static final Duration LAST_RETRY = Duration.ofSeconds(5);

  private static final int MAX_REQUEST_POINTS = 4096;

  /** Below the 4 MiB that gRPC servers take unless told otherwise. */
  static final int MAX_REQUEST_BYTES = 3 << 20;

  private static final int MAX_WAITING_POINTS = 1 << 16;

  private final OtlpConfig config;
  private final OtlpConnection connection;
  private final OtlpEncoder encoder = new OtlpEncoder();
  private final Backlog backlog = new Backlog(MAX_WAITING_POINTS);
  private final Deltas deltas;
  private final LongSupplier monoNs;
  private final Durations durations;
  private final Vitals vitals;
  private final Log log;
  private final CountDownLatch ending = new CountDownLatch(1);
  private volatile Optional<MeshPush> mesh = Optional.empty();
  private volatile CollectionRegistration registration = CollectionRegistration.noop();
  private volatile long lastPushEndMonoNs;
  private boolean reported;
  private long pushes;
  private long silentUntilMonoNs = Long.MIN_VALUE;

  /**
   * Nothing is sent before {@link #run}.
   *
   * @param monoNs a monotonic clock
   */
  public OtlpPush(
      OtlpConfig config, LongSupplier monoNs, Durations durations, Vitals vitals, Log log) {
    this.config = config;
    this.connection =
        new OtlpConnection(config.receiver(), OtlpSignal.METRICS, monoNs, vitals, log);
    this.deltas = new Deltas(config.temporality());
    this.monoNs = monoNs;
    this.durations = durations;
    this.vitals = vitals;
    this.log = log;
  }

  /** Sends the metrics about connections too; before {@link #run}. */
  void carry(MeshMetrics connections, Resource resource) {
    mesh = Optional.of(new MeshPush(connections, resource, config, MAX_REQUEST_BYTES));
  }

  @Override
  public void run() {
    long intervalNs = config.interval().toNanos();
    long nextMonoNs = monoNs.getAsLong() + intervalNs;
    try {
      while (!ending.await(nextMonoNs - monoNs.getAsLong(), TimeUnit.NANOSECONDS)) {
        long nowMonoNs = monoNs.getAsLong();
        if (nowMonoNs >= silentUntilMonoNs) {
          push(nowMonoNs + config.budget().toNanos());
        }
        nextMonoNs = Math.max(nextMonoNs + intervalNs, monoNs.getAsLong());
      }
      push(lastPushEndMonoNs);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      connection.close();
      encoder.close();
    }
  }

  /** A last push, which may take that long, and the end of {@link #run}. For any thread. */
  public void end(Duration within) {
    lastPushEndMonoNs = monoNs.getAsLong() + within.toNanos();
    ending.countDown();
    connection.cancel();
  }

  /** How many points wait for the receiver although their series are gone; for any thread. */
  public long waitingPoints() {
    return backlog.waitingPoints();
  }

  private void push(long endMonoNs) throws InterruptedException {
    long startMonoNs = monoNs.getAsLong();
    Optional<Failed> failure;
    try {
      failure = pushAll(endMonoNs);
    } catch (RuntimeException e) {
      vitals.increment(Vital.OTLP_FAILED_ERROR);
      log.error(
          "a push of metrics to " + connection.target() + " failed by an error of our own", e);
      return;
    }
    durations.record(
        SelfMetric.OTLP_EXPORT_DURATION,
        monoNs.getAsLong() - startMonoNs,
        failure.isPresent() ? "failed" : "succeeded");
    report(failure);
  }

  private Optional<Failed> pushAll(long endMonoNs) throws InterruptedException {
    // First, because it brings the sums up to date.
    Collection<MetricData> collected = registration.collectAllMetrics();
    Optional<Failed> failure = pushCollected(collected, endMonoNs);
    if (failure.isPresent() && !failure.get().cause().isOfTheRequest()) {
      return failure;
    }
    Optional<Failed> failureOfMesh = Optional.empty();
    if (mesh.isPresent()) {
      failureOfMesh = mesh.get().push((request, points) -> sendOfMesh(request, points, endMonoNs));
    }
    return failure.isPresent() ? failure : failureOfMesh;
  }

  private Answer sendOfMesh(byte[] request, int points, long endMonoNs)
      throws InterruptedException {
    Answer answer = sendWithRetries(request, endMonoNs);
    if (answer instanceof Accepted accepted) {
      vitals.add(Vital.OTLP_POINTS_SENT, points);
      vitals.add(Vital.OTLP_POINTS_REJECTED, accepted.rejected());
    }
    return answer;
  }

  private Optional<Failed> pushCollected(Collection<MetricData> collected, long endMonoNs)
      throws InterruptedException {
    pushes++;
    Backlog.Rest rest = backlog.missingFrom(collected);
    vitals.add(Vital.OTLP_POINTS_LOST, rest.lostPoints());
    List<MetricData> metrics = new ArrayList<>(collected);
    metrics.addAll(rest.metrics());
    if (config.histograms() == Histograms.EXPLICIT) {
      metrics.replaceAll(PowerBuckets::explicit);
    }
    Deque<List<MetricData>> waiting = new ArrayDeque<>(Requests.of(metrics, MAX_REQUEST_POINTS));
    List<List<MetricData>> failed = new ArrayList<>();
    Optional<Failed> failure = Optional.empty();
    while (!waiting.isEmpty()) {
      List<MetricData> request = waiting.removeFirst();
      List<MetricData> sent = deltas.of(request);
      byte[] bytes = encoder.encode(sent);
      int points = Requests.points(request);
      if (bytes.length > MAX_REQUEST_BYTES && points > 1) {
        Requests.of(request, (points + 1) / 2).reversed().forEach(waiting::addFirst);
        continue;
      }
      switch (sent.isEmpty() ? new Accepted(0, "") : sendWithRetries(bytes, endMonoNs)) {
        case Accepted accepted -> {
          vitals.add(Vital.OTLP_POINTS_SENT, Requests.points(sent));
          vitals.add(Vital.OTLP_POINTS_REJECTED, accepted.rejected());
          deltas.confirm(request, pushes);
        }
        case Failed f -> {
          failure = failure.or(() -> Optional.of(f));
          failed.add(request);
          if (!f.cause().isOfTheRequest()) {
            // What hinders this request hinders the others.
            failed.addAll(waiting);
            waiting.clear();
          }
        }
      }
    }
    backlog.keep(failed);
    if (failed.isEmpty()) {
      deltas.forgetBefore(pushes);
    }
    return failure;
  }

  private Answer sendWithRetries(byte[] bytes, long endMonoNs) throws InterruptedException {
    Backoff backoff = new Backoff(FIRST_RETRY, LAST_RETRY, RandomGenerator.getDefault());
    Answer answer = new Failed(Cause.TIMEOUT, "no time was left for it");
    boolean cut = false;
    while (!cut && endMonoNs - monoNs.getAsLong() > 0) {
      answer = send(bytes, endMonoNs - monoNs.getAsLong());
      if (!(answer instanceof Failed failed) || !failed.cause().isPassing()) {
        return answer;
      }
      long waitNs =
          Math.max(backoff.next().toNanos(), failed.retryAfter().map(Duration::toNanos).orElse(0L));
      if (monoNs.getAsLong() + waitNs >= endMonoNs) {
        keepSilent(failed);
        return answer;
      }
      vitals.increment(Vital.OTLP_RETRIES);
      cut = pause(waitNs, endMonoNs);
    }
    return answer;
  }

  private Answer send(byte[] bytes, long leftNs) throws InterruptedException {
    Duration left = Duration.ofNanos(leftNs);
    Duration timeout = config.receiver().timeout();
    return connection.send(bytes, timeout.compareTo(left) < 0 ? timeout : left);
  }

  /** Whether the end of the program cut the wait short; the last push waits on. */
  private boolean pause(long waitNs, long endMonoNs) throws InterruptedException {
    if (ending.getCount() == 0 && endMonoNs == lastPushEndMonoNs) {
      TimeUnit.NANOSECONDS.sleep(waitNs);
      return false;
    }
    return ending.await(waitNs, TimeUnit.NANOSECONDS);
  }

  private void keepSilent(Failed failed) {
    failed.retryAfter().ifPresent(wait -> silentUntilMonoNs = monoNs.getAsLong() + wait.toNanos());
  }

  private void report(Optional<Failed> failure) {
    if (failure.isEmpty()) {
      vitals.increment(Vital.OTLP_EXPORTS_SUCCEEDED);
      if (reported) {
        log.info("OTLP receiver " + connection.target() + " accepts metrics again");
        reported = false;
      }
      return;
    }
    reported = true;
    vitals.increment(failure.get().cause().vital(OtlpSignal.METRICS));
    log.warnRepeated(
        "otlp",
        "OTLP receiver %s: %s; the next push carries all sums"
            .formatted(connection.target(), failure.get().message()));
  }

  @Override
  public void register(CollectionRegistration collectionRegistration) {
    registration = collectionRegistration;
  }

  /** Always cumulative: differences are taken from what the receiver has confirmed. */
  @Override
  public AggregationTemporality getAggregationTemporality(InstrumentType instrumentType) {
    return AggregationTemporality.CUMULATIVE;
  }

  @Override
  public Aggregation getDefaultAggregation(InstrumentType instrumentType) {
    return instrumentType == InstrumentType.HISTOGRAM
        ? Aggregation.base2ExponentialBucketHistogram()
        : Aggregation.defaultAggregation();
  }

  @Override
  public CompletableResultCode forceFlush() {
    return CompletableResultCode.ofSuccess();
  }

  /** The end is {@link #end}. */
  @Override
  public CompletableResultCode shutdown() {
    return CompletableResultCode.ofSuccess();
  }
}
