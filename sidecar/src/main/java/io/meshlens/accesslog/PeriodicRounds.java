// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * When which log gets periodic records. The kernel makes them for all in one round; each log takes
 * those of its own rounds, told by their time.
 *
 * <p>{@link #nextMonoNs} and {@link #begin} belong to live-pass; {@link #isOf} is for any thread.
 */
public final class PeriodicRounds {
  /** More than the ring reader can be behind. */
  private static final int REMEMBERED = 16;

  /** A bit for each log whose round it is. */
  private record Round(long startMonoNs, long logs) {}

  private final List<Optional<Duration>> intervals;
  private final long[] nextMonoNs;
  private volatile List<Round> rounds = List.of();

  /**
   * @param intervals of each log by its index; empty for one that gets none
   */
  public PeriodicRounds(List<Optional<Duration>> intervals, long nowMonoNs) {
    this.intervals = List.copyOf(intervals);
    nextMonoNs = new long[intervals.size()];
    for (int i = 0; i < nextMonoNs.length; i++) {
      nextMonoNs[i] = nowMonoNs + intervalNs(i);
    }
  }

  private long intervalNs(int log) {
    return intervals.get(log).map(Duration::toNanos).orElse(0L);
  }

  /** When the next round is due; never without a log that wants one. */
  public OptionalLong nextMonoNs() {
    OptionalLong next = OptionalLong.empty();
    for (int i = 0; i < nextMonoNs.length; i++) {
      if (intervals.get(i).isPresent()) {
        next = OptionalLong.of(Math.min(nextMonoNs[i], next.orElse(Long.MAX_VALUE)));
      }
    }
    return next;
  }

  /** A round begins now: records that are made from here on are of it. */
  public void begin(long nowMonoNs) {
    long logs = 0;
    for (int i = 0; i < nextMonoNs.length; i++) {
      if (intervals.get(i).isPresent() && nextMonoNs[i] <= nowMonoNs) {
        logs |= 1L << i;
        nextMonoNs[i] = nowMonoNs + intervalNs(i);
      }
    }
    List<Round> later = new ArrayList<>(rounds);
    if (later.size() == REMEMBERED) {
      later.removeFirst();
    }
    later.add(new Round(nowMonoNs, logs));
    rounds = List.copyOf(later);
  }

  /**
   * Whether a record of that time is of a log's round; one older than all rounds is everybody's.
   */
  boolean isOf(int log, long endMonoNs) {
    if (intervals.get(log).isEmpty()) {
      return false;
    }
    List<Round> known = rounds;
    for (int i = known.size() - 1; i >= 0; i--) {
      Round round = known.get(i);
      if (round.startMonoNs <= endMonoNs) {
        return (round.logs >>> log & 1) != 0;
      }
    }
    return true;
  }
}
