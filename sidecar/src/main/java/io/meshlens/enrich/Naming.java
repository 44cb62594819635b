// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich;

import io.meshlens.flow.Connection;
import io.meshlens.flow.Identities;
import io.meshlens.flow.Identity;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import org.jspecify.annotations.Nullable;

/**
 * Says who the two ends of a connection are.
 *
 * <ul>
 *   <li>Who had the address when the connection began: the client's behind any translation, and the
 *       server's that was reached.
 *   <li>The server's service is the one whose virtual address was dialled; otherwise the one that
 *       its identity names.
 *   <li>The end on this node may be known by its container instead: a pod in the node's network
 *       namespace, or where nothing else is known the container itself.
 * </ul>
 *
 * <p>Owned by: ring-reader. What is put together from two identities is kept and found again, so
 * that a known pair allocates nothing.
 */
public final class Naming {
  private static final int KEPT = 1024;

  /** Where one may be kept. */
  private static final int PLACES = 8;

  private record Joined(Identity base, Identity added, Identity result) {}

  private final Identities identities;
  private final ContainerOwners owners;
  private final ContainerUse containers;
  private final Vitals vitals;
  private final @Nullable Joined[] joined = new Joined[KEPT];
  private int nextTaken;
  private final @Nullable Identity[] ofContainers = new Identity[KEPT];

  /** Whether a container names an end that nothing else does. */
  public enum ContainerUse {
    NAMES_THE_REST,
    IGNORED
  }

  public Naming(
      Identities identities, ContainerOwners owners, ContainerUse containers, Vitals vitals) {
    this.identities = identities;
    this.owners = owners;
    this.containers = containers;
    this.vitals = vitals;
  }

  /** Fills in {@link Connection#source} and {@link Connection#destination}. */
  public void name(Connection c) {
    long when = c.startEpochNs();
    c.source = client(c, when);
    c.destination = server(c, when);
    if (!c.containerId.isEmpty()) {
      if (c.clientIsLocal()) {
        c.source = byContainer(c.source, c.containerId);
      } else {
        c.destination = byContainer(c.destination, c.containerId);
      }
    }
    if (c.dialledPortOrZero != 0) {
      Identity dialled = identities.find(c.dialledHigh, c.dialledLow, when);
      if (isService(dialled)) {
        c.destination = c.destination.isUnknown() ? dialled : joined(c.destination, dialled);
      }
    }
  }

  private Identity client(Connection c, long when) {
    if (c.originPortOrZero != 0) {
      return identities.find(c.originHigh, c.originLow, when);
    }
    return c.clientIsLocal()
        ? identities.find(c.localHigh, c.localLow, when)
        : identities.find(c.remoteHigh, c.remoteLow, when);
  }

  private Identity server(Connection c, long when) {
    if (c.reachedPortOrZero != 0) {
      return identities.find(c.reachedHigh, c.reachedLow, when);
    }
    return c.clientIsLocal()
        ? identities.find(c.remoteHigh, c.remoteLow, when)
        : identities.find(c.localHigh, c.localLow, when);
  }

  /** Nothing but a service: a virtual address. */
  private static boolean isService(Identity identity) {
    return !identity.service().isEmpty()
        && identity.workload().isEmpty()
        && identity.pod().isEmpty();
  }

  private Identity byContainer(Identity end, String containerId) {
    if (!end.workload().isEmpty() || isService(end)) {
      return end;
    }
    Identity owner = owners.find(containerId);
    if (!owner.isUnknown()) {
      return owner;
    }
    if (containers == ContainerUse.IGNORED) {
      return end;
    }
    vitals.increment(Vital.IDENTITY_HITS_CONTAINER);
    Identity container = ofContainer(containerId);
    return end.isUnknown() ? container : joined(end, container);
  }

  private Identity ofContainer(String id) {
    int slot = id.hashCode() & KEPT - 1;
    Identity kept = ofContainers[slot];
    if (kept == null || !kept.container().equals(id)) {
      kept = Identity.builder().container(id).source("container").build();
      ofContainers[slot] = kept;
    }
    return kept;
  }

  /** Looks in a few places; when all are taken, one after the other is taken from its owner. */
  @SuppressWarnings("ReferenceEquality") // the same objects come again and again
  private Identity joined(Identity base, Identity added) {
    int hash = 31 * System.identityHashCode(base) + System.identityHashCode(added);
    int first = hash ^ hash >>> 16;
    for (int i = 0; i < PLACES; i++) {
      Joined found = joined[first + i & KEPT - 1];
      if (found != null && found.base == base && found.added == added) {
        return found.result;
      }
      if (found == null) {
        return keep(first + i, base, added);
      }
    }
    return keep(first + (nextTaken++ & PLACES - 1), base, added);
  }

  private Identity keep(int place, Identity base, Identity added) {
    Identity result = join(base, added);
    joined[place & KEPT - 1] = new Joined(base, added, result);
    return result;
  }

  private static Identity join(Identity base, Identity added) {
    Identity.Builder result = base.toBuilder();
    if (isService(added)) {
      result.service(added.service(), added.serviceNamespace(), added.serviceHost());
    } else {
      result.container(added.container());
    }
    return result.build();
  }
}
