// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import com.google.common.primitives.Bytes;
import io.grpc.Channel;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Streams that carry messages side by side and are confirmed together. A message goes to the first
 * that has room; when none has, another stream is begun, if there may be one more. All waits are
 * bounded. Owned by: export-als.
 */
final class AlsStreams {
  private final Channel channel;
  private final int most;
  private final byte[] identifier;
  private final LongSupplier monoNs;
  private final Object changed = new Object();
  private final List<AlsStream> open = new ArrayList<>();

  /** Whether the last of them has carried nothing yet. */
  private boolean isLastUnused;

  /**
   * None yet.
   *
   * @param most at once
   * @param identifier the encoded beginning of each stream
   * @param monoNs the monotonic clock, nanoseconds
   */
  AlsStreams(Channel channel, int most, byte[] identifier, LongSupplier monoNs) {
    this.channel = channel;
    this.most = most;
    this.identifier = identifier;
    this.monoNs = monoNs;
  }

  /**
   * Sends a message as soon as a stream has room, so that nothing piles up in memory; false when
   * one has broken, or none had room within that time.
   */
  boolean send(byte[] message, Duration patience) throws InterruptedException {
    if (!isLastUnused && open.size() < most && withRoom() == null) {
      open.add(new AlsStream(channel, changed));
      isLastUnused = true;
    }
    await(patience, () -> isBroken() || withRoom() != null);
    AlsStream stream = isBroken() ? null : withRoom();
    if (stream == null) {
      return false;
    }
    if (isLastUnused && stream == open.getLast()) {
      // Messages may be put together from their parts: the first of a stream says who we are.
      stream.send(Bytes.concat(identifier, message));
      isLastUnused = false;
    } else {
      stream.send(message);
    }
    return true;
  }

  private @Nullable AlsStream withRoom() {
    for (AlsStream stream : open) {
      if (stream.isReady()) {
        return stream;
      }
    }
    return null;
  }

  /** Whether one has failed. */
  boolean isBroken() {
    return open.stream().map(AlsStream::ended).anyMatch(status -> status != null && !status.isOk());
  }

  /**
   * Says that nothing more will come and waits for the server's answers, which confirm that it read
   * all messages.
   */
  boolean confirm(Duration patience) throws InterruptedException {
    if (isLastUnused) {
      // An empty stream would say nothing, not even who we are.
      open.removeLast().cancel();
      isLastUnused = false;
    }
    open.forEach(AlsStream::finish);
    await(patience, () -> isBroken() || haveEnded());
    return haveEnded() && !isBroken();
  }

  private boolean haveEnded() {
    return open.stream().allMatch(stream -> stream.ended() != null);
  }

  private void await(Duration patience, BooleanSupplier condition) throws InterruptedException {
    long deadlineNs = monoNs.getAsLong() + patience.toNanos();
    synchronized (changed) {
      long leftNs = patience.toNanos();
      while (leftNs > 0 && !condition.getAsBoolean()) {
        TimeUnit.NANOSECONDS.timedWait(changed, leftNs);
        leftNs = deadlineNs - monoNs.getAsLong();
      }
    }
  }

  /** How one ended that failed, or that the server was too slow. */
  Status failure() {
    return open.stream()
        .map(AlsStream::ended)
        .filter(Objects::nonNull)
        .filter(status -> !status.isOk())
        .findFirst()
        .orElse(Status.DEADLINE_EXCEEDED.withDescription("no answer in time"));
  }

  /** Ends those that have not ended. */
  void cancel() {
    open.forEach(AlsStream::cancel);
  }
}
