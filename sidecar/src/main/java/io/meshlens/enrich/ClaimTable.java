// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich;

import io.meshlens.flow.Address;
import io.meshlens.flow.Identity;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Who has and had which address, as one source says.
 *
 * <ol>
 *   <li>Readers see immutable shards behind one volatile reference: all of a commit or nothing.
 *   <li>A commit copies the shards that it changes, a few dozen addresses each, and no others.
 *   <li>Who no longer has an address is remembered for a while, and no more than a bound of them.
 * </ol>
 *
 * <p>Changes are owned by the source's thread.
 */
final class ClaimTable implements TimedClaims, AddressTable {
  /**
   * How much earlier than told a tenure may have begun: clocks of nodes differ, and a source hears
   * of a new owner a little late.
   */
  private static final long SLACK_NS = Duration.ofSeconds(30).toNanos();

  private static final int SHARD_BITS = 9;

  /** An end of a tenure, and when it became known. */
  private record Ended(Address address, long untilEpochNs, long knownEpochNs) {}

  private final long rememberNs;
  private final int rememberMost;
  private final InstantSource clock;
  private final Vitals vitals;
  private final ArrayDeque<Ended> ended = new ArrayDeque<>();
  private final AddressShard<Tenure>[] next;
  private final boolean[] isOwn = new boolean[1 << SHARD_BITS];
  private volatile AddressShard<Tenure>[] published;
  private volatile int addresses;
  private boolean isCommitted;

  /**
   * An empty one.
   *
   * @param remember how long an owner is remembered that has lost its address
   * @param rememberMost how many of them
   */
  ClaimTable(Duration remember, int rememberMost, InstantSource clock, Vitals vitals) {
    rememberNs = remember.toNanos();
    this.rememberMost = rememberMost;
    this.clock = clock;
    this.vitals = vitals;
    @SuppressWarnings({"unchecked", "rawtypes"})
    AddressShard<Tenure>[] shards = new AddressShard[1 << SHARD_BITS];
    Arrays.fill(shards, new AddressShard<Tenure>());
    next = shards;
    published = shards.clone();
  }

  @Override
  public @Nullable Identity find(long high, long low, long epochNs) {
    long hash = AddressShard.hash(high, low);
    Tenure tenure = published[shard(hash)].get(hash, high, low);
    while (tenure != null && epochNs < tenure.sinceEpochNs()) {
      tenure = tenure.earlier();
    }
    // Who had it last counts a while longer, until somebody else has it.
    return tenure == null
            || (epochNs > tenure.untilEpochNs() && epochNs - tenure.untilEpochNs() > rememberNs)
        ? null
        : tenure.owner();
  }

  private static int shard(long hash) {
    return (int) (hash >>> (Long.SIZE - SHARD_BITS));
  }

  /** What the first commit says was so before; later, what is said has just happened. */
  @Override
  public void assign(Address address, Identity identity) {
    assign(address, identity, isCommitted ? nowEpochNs() : Long.MIN_VALUE);
  }

  @Override
  public void assign(Address address, Identity identity, long sinceEpochNs) {
    long hash = AddressShard.hash(address.high(), address.low());
    Tenure before = next[shard(hash)].get(hash, address.high(), address.low());
    long since = sinceEpochNs == Long.MIN_VALUE ? sinceEpochNs : sinceEpochNs - SLACK_NS;
    Tenure after;
    if (before == null) {
      after = new Tenure(identity, since, Tenure.OPEN, null);
    } else if (isSame(before.owner(), identity)) {
      if (before.isOpen() && before.owner().equals(identity)) {
        return;
      }
      after = new Tenure(identity, before.sinceEpochNs(), Tenure.OPEN, before.earlier());
    } else if (before.isOpen()) {
      long end = Math.clamp(sinceEpochNs, before.sinceEpochNs(), nowEpochNs());
      after = before.endedAt(end).followedBy(identity, end);
      ended.add(new Ended(address, end, nowEpochNs()));
    } else {
      after = before.followedBy(identity, Math.max(since, before.untilEpochNs()));
    }
    own(hash).put(hash, address.high(), address.low(), after);
  }

  /** Whether both are the same owner, of which only other things are known. */
  private static boolean isSame(Identity a, Identity b) {
    return a.equals(b)
        || (a.pod().equals(b.pod())
            && a.namespace().equals(b.namespace())
            && a.node().equals(b.node())
            && a.workload().equals(b.workload())
            && (!a.pod().isEmpty()
                || (a.service().equals(b.service())
                    && a.serviceNamespace().equals(b.serviceNamespace()))));
  }

  @Override
  public void withdraw(Address address) {
    long hash = AddressShard.hash(address.high(), address.low());
    Tenure before = next[shard(hash)].get(hash, address.high(), address.low());
    if (before == null || !before.isOpen()) {
      return;
    }
    long now = Math.max(nowEpochNs(), before.sinceEpochNs());
    own(hash).put(hash, address.high(), address.low(), before.endedAt(now));
    ended.add(new Ended(address, now, nowEpochNs()));
  }

  @Override
  public void commit() {
    forget();
    boolean changed = false;
    for (boolean own : isOwn) {
      changed |= own;
    }
    isCommitted = true;
    if (!changed) {
      return;
    }
    Arrays.fill(isOwn, false);
    published = next.clone();
    int count = 0;
    for (AddressShard<Tenure> shard : next) {
      count += shard.size();
    }
    addresses = count;
  }

  private void forget() {
    long remembered = nowEpochNs() - rememberNs;
    while (!ended.isEmpty()) {
      Ended oldest = ended.getFirst();
      boolean isOld = oldest.knownEpochNs() < remembered;
      if (!isOld && ended.size() <= rememberMost) {
        return;
      }
      if (!isOld) {
        vitals.increment(Vital.IDENTITY_OWNERS_FORGOTTEN);
      }
      ended.removeFirst();
      drop(oldest);
    }
  }

  private void drop(Ended gone) {
    Address address = gone.address();
    long hash = AddressShard.hash(address.high(), address.low());
    Tenure before = next[shard(hash)].get(hash, address.high(), address.low());
    if (before == null) {
      return;
    }
    Tenure after = before.without(gone.untilEpochNs() + 1);
    if (after == null) {
      own(hash).remove(hash, address.high(), address.low());
    } else {
      own(hash).put(hash, address.high(), address.low(), after);
    }
  }

  /** The shard of an address, as a copy that readers do not see yet. */
  private AddressShard<Tenure> own(long hash) {
    int at = shard(hash);
    if (!isOwn[at]) {
      next[at] = next[at].copy();
      isOwn[at] = true;
    }
    return next[at];
  }

  private long nowEpochNs() {
    return EpochNs.of(clock.instant());
  }

  /** How many addresses have or had an owner; for any thread. */
  int addresses() {
    return addresses;
  }
}
