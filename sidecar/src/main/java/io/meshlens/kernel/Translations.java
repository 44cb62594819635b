// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.flow.Connection;
import io.meshlens.netlink.ConntrackEntry;
import io.meshlens.netlink.ConntrackTuple;
import java.util.function.LongSupplier;

/**
 * What netfilter made of a connection's addresses: asks the connection tracking of the socket's own
 * network namespace, then of this process's (the node's, where kube-proxy works).
 *
 * <p>Owned by: ring-reader. A pair of addresses that was not translated is not asked for again for
 * a second, so that connections nobody translates cost next to nothing.
 */
final class Translations {
  /** Asks one namespace; false when it does not know the connection. */
  interface Lookup {
    boolean find(long netns, long pid, ConntrackTuple tuple, ConntrackEntry out);

    /** The network namespace of this process, by inode number. */
    long ownNetns();
  }

  private static final long UNTRANSLATED_FOR_NS = 1_000_000_000L;
  private static final int SLOTS = 1024;

  private final Lookup lookup;
  private final LongSupplier monoNs;
  private final ConntrackTuple tuple = new ConntrackTuple();
  private final ConntrackEntry entry = new ConntrackEntry();

  /** The pairs that were not translated, direct-mapped: hash of the pair, and until when. */
  private final long[] untranslatedPair = new long[SLOTS];

  private final long[] untranslatedUntilNs = new long[SLOTS];

  Translations(Lookup lookup, LongSupplier monoNs) {
    this.lookup = lookup;
    this.monoNs = monoNs;
  }

  /** Fills in what the connection's client dialled, what it reached, and who it was. */
  void translate(Connection c) {
    if (c.localPort == 0) {
      return; // never bound, so no packet
    }
    long pair = pairHash(c);
    int slot = (int) (pair & (SLOTS - 1));
    long nowNs = monoNs.getAsLong();
    if (untranslatedPair[slot] == pair && nowNs - untranslatedUntilNs[slot] < 0) {
      return;
    }
    tuple.sourceHigh = c.localHigh;
    tuple.sourceLow = c.localLow;
    tuple.sourcePort = c.localPort;
    tuple.destinationHigh = c.remoteHigh;
    tuple.destinationLow = c.remoteLow;
    tuple.destinationPort = c.remotePort;
    boolean translated = ask(c, c.netns);
    // Loopback addresses of another namespace are not those of this one.
    if (!translated && c.netns != lookup.ownNetns() && !isLoopback(c.localHigh, c.localLow)) {
      translated = ask(c, lookup.ownNetns());
    }
    if (!translated) {
      untranslatedPair[slot] = pair;
      untranslatedUntilNs[slot] = nowNs + UNTRANSLATED_FOR_NS;
    }
  }

  private boolean ask(Connection c, long netns) {
    if (!lookup.find(netns, c.pid, tuple, entry) || !entry.isTranslated()) {
      return false;
    }
    return c.clientIsLocal() ? applyToClient(c) : applyToServer(c);
  }

  /** The first packet was ours: the answer comes from whom it reached. */
  private boolean applyToClient(Connection c) {
    ConntrackTuple reply = entry.reply;
    if (!isSame(entry.original, tuple)
        || isEnd(reply.sourceHigh, reply.sourceLow, reply.sourcePort, c, false)) {
      return false;
    }
    c.reachedHigh = reply.sourceHigh;
    c.reachedLow = reply.sourceLow;
    c.reachedPortOrZero = reply.sourcePort;
    if (c.dialledPortOrZero == 0) {
      c.dialledHigh = c.remoteHigh;
      c.dialledLow = c.remoteLow;
      c.dialledPortOrZero = c.remotePort;
    }
    return true;
  }

  /** The answer is ours: the first packet shows whom the client dialled, and the client. */
  private boolean applyToServer(Connection c) {
    if (!isSame(entry.reply, tuple)) {
      return false;
    }
    ConntrackTuple first = entry.original;
    boolean translated = false;
    if (!isEnd(first.destinationHigh, first.destinationLow, first.destinationPort, c, true)) {
      c.dialledHigh = first.destinationHigh;
      c.dialledLow = first.destinationLow;
      c.dialledPortOrZero = first.destinationPort;
      translated = true;
    }
    if (!isEnd(first.sourceHigh, first.sourceLow, first.sourcePort, c, false)) {
      c.originHigh = first.sourceHigh;
      c.originLow = first.sourceLow;
      c.originPortOrZero = first.sourcePort;
      translated = true;
    }
    return translated;
  }

  private static boolean isEnd(long high, long low, int port, Connection c, boolean local) {
    return local
        ? high == c.localHigh && low == c.localLow && port == c.localPort
        : high == c.remoteHigh && low == c.remoteLow && port == c.remotePort;
  }

  private static boolean isSame(ConntrackTuple a, ConntrackTuple b) {
    return a.sourceHigh == b.sourceHigh
        && a.sourceLow == b.sourceLow
        && a.sourcePort == b.sourcePort
        && a.destinationHigh == b.destinationHigh
        && a.destinationLow == b.destinationLow
        && a.destinationPort == b.destinationPort;
  }

  /** 127.0.0.0/8 and ::1. */
  private static boolean isLoopback(long high, long low) {
    return high == 0 && (low >>> 24 == 0x0000_ffff_7fL || low == 1);
  }

  /** Of client, server, server port, namespace and side; 64 bits, so that no two are alike. */
  private static long pairHash(Connection c) {
    long hash = c.netns * 31 + (c.clientIsLocal() ? 1 : 2);
    hash = mix(hash ^ c.localHigh);
    hash = mix(hash ^ c.localLow);
    hash = mix(hash ^ c.remoteHigh);
    hash = mix(hash ^ c.remoteLow);
    return mix(hash ^ c.serverPort());
  }

  /** Finalizer of MurmurHash3. */
  private static long mix(long h) {
    h = (h ^ (h >>> 33)) * 0xff51_afd7_ed55_8ccdL;
    h = (h ^ (h >>> 33)) * 0xc4ce_b9fe_1a85_ec53L;
    return h ^ (h >>> 33);
  }
}
