// SPDX-License-Identifier: Apache-2.0
package io.meshlens.spool;

import io.meshlens.spool.Position.Marks;
import io.meshlens.spool.SpoolConfig.Fsync;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A spool that outlives the process: what {@link #commit} has returned for is there after a {@code
 * kill -9}, and what was confirmed is not sent again but for what the last moment confirmed.
 *
 * <p>Records are numbered from the first that the directory ever held. Files hold ranges of them,
 * and two numbers say how far delivery is, so what is missing is known by number.
 *
 * <p>While the disk refuses, batches wait in memory, bounded, and are delivered from there.
 */
public final class DiskSpool implements Spool {
  private static final long COMMIT_BYTES = 1 << 20;

  /** A commit writes pages and heads beside the batches. */
  private static final long COMMIT_OVERHEAD_BYTES = 16 << 10;

  private static final long RETRY_NS = TimeUnit.SECONDS.toNanos(1);
  private static final long FSYNC_INTERVAL_NS = TimeUnit.SECONDS.toNanos(1);

  /** A batch that was taken. */
  private record Taken(long firstRecord, int records) {}

  private final SpoolConfig config;
  private final Losses losses;
  private final LongSupplier monoNs;
  private final Path path;
  private final SpoolDirectory directory;
  private final MemorySpool memory;
  private final StoredBatch codec = new StoredBatch();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition arrived = lock.newCondition();

  /** Guarded by lock, like all below. In order; only the last one can be written. */
  private final Deque<Segment> segments;

  private @Nullable Segment current;
  private final Deque<Batch> uncommitted = new ArrayDeque<>();
  private long uncommittedBytes;
  private final Deque<Taken> underWay = new ArrayDeque<>();

  /** Record numbers, in this order: confirmed ≤ next ≤ committed ≤ end. */
  private long confirmed;

  private long next;
  private long committed;
  private long end;

  /** Up to where missing numbers have been reported. */
  private long reported;

  private long records;
  private @Nullable Long refusedNs;
  private long fsyncedNs;
  private boolean unsynced;
  private boolean closed;

  /**
   * Opens or makes the directory, with what an earlier process left there.
   *
   * @param path of this spool alone
   * @param monoNs the monotonic clock, nanoseconds
   * @throws IOException when it cannot be used; the message says what to do
   */
  public DiskSpool(Path path, SpoolConfig config, LongSupplier monoNs, Losses losses)
      throws IOException {
    this.path = path;
    this.config = config;
    this.losses = losses;
    this.monoNs = monoNs;
    this.memory = new MemorySpool(config.memoryBytes(), config.overflow(), losses);
    this.fsyncedNs = monoNs.getAsLong();
    this.directory = SpoolDirectory.open(path);
    this.segments = directory.segments();
    Marks marks = directory.marks();
    long first = segments.isEmpty() ? 0 : segments.getFirst().firstRecord;
    long found = directory.endOfLast(segments, codec, losses);
    confirmed = marks == null ? first : marks.confirmed();
    end = Math.max(Math.max(found, confirmed), marks == null ? 0 : marks.end());
    next = confirmed;
    committed = end;
    records = end - confirmed;
    deleteConfirmed();
    save();
  }

  @Override
  public void append(Batch batch) {
    lock.lock();
    try {
      if (closed) {
        losses.lost(LossCause.CLOSED, batch.records());
        return;
      }
      if (refusedNs != null && monoNs.getAsLong() - refusedNs < RETRY_NS) {
        memory.append(batch);
        arrived.signal();
        return;
      }
      byte[] value = codec.encode(batch);
      if (!makeRoom(value.length + COMMIT_OVERHEAD_BYTES)) {
        losses.lost(LossCause.NEWEST_DROPPED, batch.records());
        return;
      }
      uncommitted.addLast(batch);
      uncommittedBytes += value.length;
      long record = end;
      end += batch.records();
      records += batch.records();
      store(record, value);
      if (uncommittedBytes >= COMMIT_BYTES) {
        commitLocked();
      }
    } finally {
      lock.unlock();
    }
  }

  private void store(long record, byte[] value) {
    try {
      Segment segment = current;
      if (segment == null) {
        segment = Segment.create(path, record);
        current = segment;
        segments.addLast(segment);
      }
      segment.append(record, value);
    } catch (RuntimeException | IOException e) {
      refused(e);
    }
  }

  @Override
  public void commit() {
    lock.lock();
    try {
      commitLocked();
      if (current != null) {
        fsyncIfDue(current);
      }
    } catch (RuntimeException e) {
      refused(e);
    } finally {
      lock.unlock();
    }
  }

  private void commitLocked() {
    Segment segment = current;
    if (segment == null || uncommitted.isEmpty()) {
      return;
    }
    try {
      segment.commit();
      unsynced = config.fsync() != Fsync.NEVER;
      fsyncIfDue(segment);
    } catch (RuntimeException e) {
      refused(e);
      return;
    }
    committed = end;
    uncommitted.clear();
    uncommittedBytes = 0;
    refusedNs = null;
    save();
    if (segment.sizeBytes() >= config.segmentBytes()) {
      sealSynced(segment);
    }
    arrived.signal();
  }

  private void fsyncIfDue(Segment segment) {
    long now = monoNs.getAsLong();
    if (unsynced && (config.fsync() == Fsync.ALWAYS || now - fsyncedNs >= FSYNC_INTERVAL_NS)) {
      segment.fsync();
      unsynced = false;
      fsyncedNs = now;
    }
  }

  /** The disk took none of what was not committed: it goes on in memory. */
  private void refused(Exception cause) {
    refusedNs = monoNs.getAsLong();
    losses.failed(
        "cannot write to the spool %s: %s; records wait in memory meanwhile"
            .formatted(path, SpoolDirectory.reason(cause)));
    end = committed;
    Segment segment = current;
    seal();
    if (segment != null && segment.firstRecord >= committed) {
      segments.remove(segment);
      delete(segment);
    }
    for (Batch batch : uncommitted) {
      records -= batch.records();
      memory.append(batch);
    }
    uncommitted.clear();
    uncommittedBytes = 0;
    arrived.signal();
  }

  private void sealSynced(Segment segment) {
    try {
      if (unsynced) {
        segment.fsync();
      }
      seal();
    } catch (RuntimeException e) {
      refused(e);
    }
  }

  /** The next batch begins another file. */
  private void seal() {
    if (current != null) {
      current.close();
      current = null;
      unsynced = false;
    }
  }

  /** Whether so many more bytes fit, after dropping the oldest where that is wanted. */
  private boolean makeRoom(long bytes) {
    while (diskBytes() + bytes > config.maxBytes()) {
      if (config.overflow() == Overflow.DROP_NEWEST || segments.isEmpty()) {
        return false;
      }
      if (segments.getFirst() == current) {
        commitLocked();
        seal();
        if (segments.isEmpty()) {
          return false;
        }
      }
      dropFirst();
    }
    return true;
  }

  private void dropFirst() {
    Segment oldest = segments.removeFirst();
    long to = firstAvailable();
    long from = Math.max(Math.max(next, oldest.firstRecord), reported);
    if (to > from) {
      records -= to - from;
      losses.lost(LossCause.OLDEST_DROPPED, to - from);
    }
    reported = Math.max(reported, to);
    next = Math.max(next, to);
    if (underWay.isEmpty()) {
      confirmed = next;
    }
    delete(oldest);
    save();
  }

  private long firstAvailable() {
    return segments.isEmpty() ? committed : segments.getFirst().firstRecord;
  }

  @Override
  public boolean await(Duration patience) throws InterruptedException {
    long leftNs = patience.toNanos();
    lock.lockInterruptibly();
    try {
      boolean there = isThere();
      while (!there && leftNs > 0 && !closed) {
        leftNs = arrived.awaitNanos(leftNs);
        there = isThere();
      }
      return there && !closed;
    } finally {
      lock.unlock();
    }
  }

  private boolean isThere() throws InterruptedException {
    return next < committed || memory.await(Duration.ZERO);
  }

  @Override
  public @Nullable Batch take(Duration patience) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      if (!await(patience)) {
        return null;
      }
      Batch batch = read();
      return batch != null ? batch : memory.take(Duration.ZERO);
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Batch read() throws InterruptedException {
    while (next < committed) {
      Segment segment = null;
      long to = committed;
      for (Segment candidate : segments) {
        if (candidate.firstRecord > next) {
          to = candidate.firstRecord;
          break;
        }
        segment = candidate;
      }
      Batch batch = segment == null ? null : read(segment, to);
      if (batch != null) {
        underWay.addLast(new Taken(next, batch.records()));
        next += batch.records();
        return batch;
      }
      if (segment == null) {
        miss(to);
      }
      if (segment != null && segment != current && next >= to) {
        segment.close();
      }
    }
    return null;
  }

  /** The batch at {@link #next}; null after passing over what is missing there. */
  private @Nullable Batch read(Segment segment, long to) throws InterruptedException {
    try {
      Long found = segment.ceiling(next);
      long at = found == null ? to : Math.min(found, to);
      if (at > next) {
        miss(at);
        return null;
      }
      byte[] value = segment.value(at);
      Batch batch = value == null ? null : codec.decode(value);
      if (batch == null) {
        Long after = segment.ceiling(at + 1);
        miss(after == null ? to : Math.min(after, to));
      }
      return batch;
    } catch (RuntimeException e) {
      // Over garbage the store throws whatever comes, not only its own exception.
      if (Thread.currentThread().isInterrupted()) {
        // The interrupt closed the file under the store; nothing is wrong with it.
        throw new InterruptedException();
      }
      losses.failed(
          "cannot read %s: %s; it is set aside".formatted(segment.file, SpoolDirectory.reason(e)));
      setAside(segment);
      miss(to);
      return null;
    }
  }

  private void setAside(Segment segment) {
    if (segment == current) {
      commitLocked();
      seal();
    }
    segments.remove(segment);
    directory.setAside(segment, losses);
  }

  /** The numbers up to this one are not there. */
  private void miss(long to) {
    long from = Math.max(next, reported);
    if (to > from) {
      records -= to - from;
      losses.lost(LossCause.UNREADABLE, to - from);
      reported = to;
    }
    next = to;
  }

  @Override
  public long confirm() {
    lock.lock();
    try {
      long delivered = memory.confirm();
      for (Taken taken : underWay) {
        delivered += taken.records();
        records -= taken.records();
      }
      underWay.clear();
      confirmed = next;
      deleteConfirmed();
      save();
      return delivered;
    } finally {
      lock.unlock();
    }
  }

  private void deleteConfirmed() {
    boolean idle = confirmed == end && uncommitted.isEmpty();
    if (idle && current != null && current.sizeBytes() >= config.segmentBytes() / 2) {
      seal();
    }
    while (!segments.isEmpty() && segments.getFirst() != current) {
      Segment oldest = segments.removeFirst();
      if (firstAvailable() > confirmed) {
        segments.addFirst(oldest);
        return;
      }
      delete(oldest);
    }
  }

  @Override
  public long again() {
    lock.lock();
    try {
      long resent = memory.again();
      long first = firstAvailable();
      for (Taken taken : underWay) {
        if (taken.firstRecord() < first) {
          records -= taken.records();
          losses.lost(LossCause.OLDEST_DROPPED, taken.records());
        } else {
          resent += taken.records();
        }
      }
      underWay.clear();
      confirmed = Math.max(confirmed, Math.min(first, next));
      next = confirmed;
      save();
      return resent;
    } finally {
      lock.unlock();
    }
  }

  private void save() {
    try {
      directory.write(new Marks(confirmed, committed), config.fsync() == Fsync.ALWAYS);
    } catch (IOException e) {
      losses.failed(
          "cannot note in %s how far delivery is: %s; after a crash records come twice"
              .formatted(path, SpoolDirectory.reason(e)));
    }
  }

  private void delete(Segment segment) {
    try {
      segment.delete();
    } catch (IOException e) {
      losses.failed("cannot delete %s: %s".formatted(segment.file, SpoolDirectory.reason(e)));
    }
  }

  private long diskBytes() {
    long bytes = uncommittedBytes;
    for (Segment segment : segments) {
      bytes += segment.sizeBytes();
    }
    return bytes;
  }

  @Override
  public long records() {
    lock.lock();
    try {
      return records + memory.records();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long sizeBytes() {
    lock.lock();
    try {
      return diskBytes();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean isDurable() {
    return true;
  }

  @Override
  public void close() {
    lock.lock();
    try {
      if (closed) {
        return;
      }
      commitLocked();
      closed = true;
      again();
      memory.close();
      segments.forEach(Segment::close);
      directory.close();
      arrived.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
