// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionEvent;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Identities;
import io.meshlens.metrics.AttributeRules;
import io.meshlens.metrics.Detail;
import io.meshlens.metrics.KernelSums;
import io.meshlens.metrics.MeshMetrics;
import io.meshlens.metrics.MetricsConfig;
import io.meshlens.metrics.Profile;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vitals;
import java.io.OutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Metrics of a kernel and a clock that the test moves. */
final class MeshFixture {
  static final Instant SINCE = Instant.ofEpochSecond(1_700_000_000L);

  final KernelSums kernel = new KernelSums();
  final Vitals vitals = new Vitals();
  Instant now = SINCE;

  MeshMetrics mesh(Profile profile, Identities identities) {
    return mesh(profile, identities, Optional.empty(), 10_000);
  }

  MeshMetrics mesh(Profile profile, Identities identities, Detail detail, int maxSeries) {
    return mesh(profile, identities, Optional.of(detail), maxSeries);
  }

  private MeshMetrics mesh(
      Profile profile, Identities identities, Optional<Detail> detail, int maxSeries) {
    return new MeshMetrics(
        new MetricsConfig(profile, detail, AttributeRules.NONE, maxSeries, Duration.ofHours(1)),
        kernel,
        identities,
        SINCE,
        () -> now,
        () -> TimeUnit.SECONDS.toNanos(now.getEpochSecond()),
        vitals,
        new Log(
            new PrintStream(OutputStream.nullOutputStream()),
            Log.Level.ERROR,
            InstantSource.system()));
  }

  void pass(long seconds) {
    now = now.plusSeconds(seconds);
  }

  /** A connection of some duration that has ended now. */
  Connection closed(int client, int server, long durationMs) {
    Connection c = new Connection();
    c.event = ConnectionEvent.CLOSED;
    c.direction = Direction.OUTBOUND;
    c.startMonoNs = 1;
    c.establishedMonoNs = 1 + 1_000_000;
    c.endMonoNs = 1 + durationMs * 1_000_000;
    c.endEpochNs = now.getEpochSecond() * 1_000_000_000L;
    c.localLow = KernelSums.ipv4(client).low();
    c.remoteLow = KernelSums.ipv4(server).low();
    c.remotePort = 443;
    return c;
  }
}
