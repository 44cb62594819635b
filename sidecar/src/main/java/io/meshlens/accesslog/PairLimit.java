// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import io.meshlens.flow.Address;
import io.meshlens.flow.Connection;
import io.meshlens.flow.Identity;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * So many records a second from one workload to another: a bucket for each pair, which holds what
 * one second brings. Who has no known workload goes by address. The time is that of the records.
 * Owned by: ring-reader.
 */
final class PairLimit {
  /** Pairs with a bucket; the one that was longest without a record gives way. */
  static final int MAX_PAIRS = 4096;

  private static final double NANOS_PER_SECOND = 1e9;

  private record Pair(
      String sourceNamespace,
      String sourceWorkload,
      Address source,
      String destinationNamespace,
      String destinationWorkload,
      Address destination) {}

  private static final class Bucket {
    double tokens;
    long filledMonoNs;
  }

  private static final Address NO_ADDRESS = new Address(0, 0);

  private final double perSecond;
  private final Map<Pair, Bucket> buckets =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Pair, Bucket> eldest) {
          return size() > MAX_PAIRS;
        }
      };

  PairLimit(int perSecond) {
    this.perSecond = perSecond;
  }

  /** Whether there is room for another record, which it takes. */
  boolean admits(Connection c) {
    Bucket bucket = buckets.computeIfAbsent(pair(c), p -> full(c.endMonoNs));
    long elapsedNs = c.endMonoNs - bucket.filledMonoNs;
    if (elapsedNs > 0) {
      // Records of several processors come slightly out of order.
      bucket.tokens = Math.min(perSecond, bucket.tokens + elapsedNs / NANOS_PER_SECOND * perSecond);
      bucket.filledMonoNs = c.endMonoNs;
    }
    if (bucket.tokens < 1) {
      return false;
    }
    bucket.tokens--;
    return true;
  }

  private Bucket full(long nowMonoNs) {
    Bucket bucket = new Bucket();
    bucket.tokens = perSecond;
    bucket.filledMonoNs = nowMonoNs;
    return bucket;
  }

  private static Pair pair(Connection c) {
    return new Pair(
        c.source.namespace(),
        c.source.workload(),
        unlessKnown(c.source, c.client()),
        c.destination.namespace(),
        c.destination.workload(),
        unlessKnown(c.destination, c.reached()));
  }

  private static Address unlessKnown(Identity identity, Address address) {
    return identity.workload().isEmpty() ? address : NO_ADDRESS;
  }
}
