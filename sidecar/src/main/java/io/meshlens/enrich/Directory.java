// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich;

import io.meshlens.flow.Identities;
import io.meshlens.flow.Identity;
import io.meshlens.vitals.Gauge;
import io.meshlens.vitals.SelfMetric;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * All sources side by side: the first in the order of precedence that knows an address is believed,
 * and no other is asked.
 *
 * <p>{@link #find} is safe for any thread. Each source's claims belong to that source's thread.
 */
public final class Directory implements Identities {
  private record Source(IdentitySource name, AddressTable table) {}

  /** The static file's table, which is replaced as a whole. */
  private static final class Networks implements AddressTable {
    volatile NetworkTable now = NetworkTable.EMPTY;

    @Override
    public @Nullable Identity find(long high, long low, long epochNs) {
      return now.find(high, low, epochNs);
    }
  }

  private final Source[] sources;
  private final Map<IdentitySource, ClaimTable> claims = new EnumMap<>(IdentitySource.class);
  private final Networks networks = new Networks();
  private final Vitals vitals;

  /**
   * Knows nobody yet.
   *
   * @param precedence the sources there are, the one that is believed first in front
   * @param remember how long an owner is remembered that has lost its address
   * @param rememberMost how many of them for each source
   */
  public Directory(
      List<IdentitySource> precedence,
      Duration remember,
      int rememberMost,
      InstantSource clock,
      Vitals vitals) {
    this.vitals = vitals;
    List<Source> all = new ArrayList<>();
    for (IdentitySource name : precedence) {
      if (name == IdentitySource.STATIC) {
        all.add(new Source(name, networks));
      } else {
        ClaimTable table = new ClaimTable(remember, rememberMost, clock, vitals);
        claims.put(name, table);
        all.add(new Source(name, table));
      }
    }
    sources = all.toArray(new Source[0]);
  }

  /** Where a source that is among those there are says what it knows. */
  public TimedClaims claims(IdentitySource source) {
    ClaimTable table = claims.get(source);
    if (table == null) {
      throw new IllegalArgumentException(source + " is no source of claims here");
    }
    return table;
  }

  /** Puts names of networks in the place of those before, at once. */
  void name(NetworkTable table) {
    networks.now = table;
  }

  @Override
  public Identity find(long high, long low, long epochNs) {
    if (high == 0 && low == 0) {
      return Identity.UNKNOWN; // nobody's
    }
    for (Source source : sources) {
      Identity found = source.table.find(high, low, epochNs);
      if (found != null) {
        vitals.increment(source.name.hits());
        return found;
      }
      vitals.increment(source.name.misses());
    }
    vitals.increment(Vital.IDENTITY_UNKNOWN);
    return Identity.UNKNOWN;
  }

  /** How many addresses are known, by source. */
  public List<Gauge> gauges() {
    List<Gauge> gauges = new ArrayList<>();
    claims.forEach((source, table) -> gauges.add(new Gauge(metric(source), table::addresses)));
    return List.copyOf(gauges);
  }

  private static SelfMetric metric(IdentitySource source) {
    return switch (source) {
      case KUBERNETES -> SelfMetric.IDENTITY_KUBERNETES_ADDRESSES;
      case ISTIO -> SelfMetric.IDENTITY_ISTIO_ADDRESSES;
      case STATIC -> throw new IllegalStateException("a static file makes no claims");
    };
  }
}
