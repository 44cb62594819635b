// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.netlink.Conntrack;
import io.meshlens.netlink.ConntrackEntry;
import io.meshlens.netlink.ConntrackTuple;
import io.meshlens.netlink.NetlinkException;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * The connection tracking of every network namespace that has connections, opened when first asked
 * for.
 *
 * <p>Owned by: ring-reader, but for {@link #know}. A namespace that cannot be opened is tried again
 * after a minute; what cannot be known stays absent.
 */
final class NamespaceConntracks implements Translations.Lookup, AutoCloseable {
  /** Each costs a descriptor; the least recently used one goes. */
  private static final int MAX_OPEN = 256;

  private static final long RETRY_AFTER_NS = 60_000_000_000L;

  /** A namespace that was not seen yet is, after the next look around. */
  private static final long LOOK_AGAIN_AFTER_NS = 500_000_000L;

  private final LongSupplier monoNs;
  private final Vitals vitals;
  private final Log log;
  private final long ownNetns = NetworkNamespaces.own();
  private final Map<Long, Conntrack> open = new LinkedHashMap<>(16, 0.75f, true);
  private final Map<Long, Long> refusedUntilNs = new HashMap<>();

  /** Namespaces for which a look around was asked for. */
  private final Set<Long> lookedFor = new HashSet<>();

  private volatile Map<Long, Path> known = Map.of();
  private volatile boolean unknownSeen;

  NamespaceConntracks(LongSupplier monoNs, Vitals vitals, Log log) {
    this.monoNs = monoNs;
    this.vitals = vitals;
    this.log = log;
  }

  /** Tells where namespaces are found, by inode number. From any thread. */
  void know(Map<Long, Path> namespaces) {
    known = Map.copyOf(namespaces);
    unknownSeen = false;
  }

  /** Whether a connection was seen of a namespace that {@link #know} did not tell of. */
  boolean isUnknownSeen() {
    return unknownSeen;
  }

  @Override
  public long ownNetns() {
    return ownNetns;
  }

  @Override
  public boolean find(long netns, long pid, ConntrackTuple tuple, ConntrackEntry out) {
    Conntrack conntrack = open.get(netns);
    if (conntrack == null) {
      Optional<Conntrack> opened = isRefused(netns) ? Optional.empty() : open(netns, pid);
      if (opened.isEmpty()) {
        return false;
      }
      conntrack = opened.get();
      keep(netns, conntrack);
    }
    try {
      return conntrack.find(tuple, out);
    } catch (NetlinkException e) {
      open.remove(netns);
      conntrack.close();
      refuse(netns, e);
      return false;
    }
  }

  private boolean isRefused(long netns) {
    Long untilNs = refusedUntilNs.get(netns);
    return untilNs != null && monoNs.getAsLong() - untilNs < 0;
  }

  private Optional<Conntrack> open(long netns, long pid) {
    try {
      if (netns == ownNetns) {
        return Optional.of(Conntrack.open());
      }
      Path file = Path.of("/proc/" + pid + "/ns/net");
      if (NetworkNamespaces.inode(file).orElse(0) != netns) {
        file = known.get(netns);
      }
      if (file != null) {
        return Optional.of(Conntrack.open(file));
      }
      // Its processes are gone, or not to be seen: worth one look around, not one after the other.
      if (lookedFor.add(netns)) {
        refuseFor(netns, LOOK_AGAIN_AFTER_NS);
        unknownSeen = true;
      } else {
        lookedFor.remove(netns);
        refuseFor(netns, RETRY_AFTER_NS);
      }
      vitals.increment(Vital.CONNTRACK_FAILED_NAMESPACE);
    } catch (NetlinkException e) {
      refuse(netns, e);
    }
    return Optional.empty();
  }

  private void refuse(long netns, NetlinkException e) {
    refuseFor(netns, RETRY_AFTER_NS);
    vitals.increment(Vital.CONNTRACK_FAILED_LOOKUP);
    log.warnRepeated(
        "conntrack",
        "cannot ask the connection tracking of network namespace "
            + netns
            + ", so original destinations there stay unknown: "
            + e.getMessage());
  }

  private void refuseFor(long netns, long durationNs) {
    if (refusedUntilNs.size() >= MAX_OPEN) {
      refusedUntilNs.clear();
      lookedFor.clear();
    }
    refusedUntilNs.put(netns, monoNs.getAsLong() + durationNs);
  }

  private void keep(long netns, Conntrack conntrack) {
    if (open.size() >= MAX_OPEN) {
      Map.Entry<Long, Conntrack> oldest = open.entrySet().iterator().next();
      open.remove(oldest.getKey());
      oldest.getValue().close();
    }
    open.put(netns, conntrack);
  }

  @Override
  public void close() {
    open.values().forEach(Conntrack::close);
    open.clear();
  }
}
