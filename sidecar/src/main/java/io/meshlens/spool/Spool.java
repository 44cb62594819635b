// SPDX-License-Identifier: Apache-2.0
package io.meshlens.spool;

import java.io.IOException;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Batches that wait for delivery, in order and within a bound.
 *
 * <p>Guarantees:
 *
 * <ol>
 *   <li>Each record that was appended is confirmed once, or reported to {@link Losses} once, or
 *       still here.
 *   <li>What was taken is not dropped while it is under way; what the bound claims meanwhile is
 *       reported when it comes back undelivered.
 *   <li>{@link #take} gives batches in the order of {@link #append}, those that came back first.
 * </ol>
 *
 * <p>{@link #append} and {@link #commit} belong to one thread (spool-writer), {@link #await},
 * {@link #take}, {@link #confirm} and {@link #again} to another (export); the rest is for all.
 */
public interface Spool extends AutoCloseable {
  /**
   * The spool for one receiver, with what an earlier process left there.
   *
   * @param name of the receiver, and of its directory
   * @param monoNs the monotonic clock, nanoseconds
   * @throws IOException when the directory cannot be used; the message says what to do
   */
  static Spool open(SpoolConfig config, String name, LongSupplier monoNs, Losses losses)
      throws IOException {
    return config.directory().isPresent()
        ? new DiskSpool(config.directory().get().resolve(name), config, monoNs, losses)
        : new MemorySpool(config.memoryBytes(), config.overflow(), losses);
  }

  /** Takes a batch, or reports its loss. Waits for the disk, never for the receiver. */
  void append(Batch batch);

  /** Makes everything appended outlive this process, where the spool promises that. */
  void commit();

  /** Waits until there is something to take; false when there was nothing within that time. */
  boolean await(Duration patience) throws InterruptedException;

  /** The next batch that is not under way; null when none came within that time. */
  @Nullable Batch take(Duration patience) throws InterruptedException;

  /** Everything under way was delivered; how many records that were. */
  long confirm();

  /** Nothing under way was delivered: it will be taken again; how many records that are. */
  long again();

  /** Records that are neither delivered nor lost. */
  long records();

  /** What they take, on disk or in memory. */
  long sizeBytes();

  /** Whether the records outlive this process. */
  boolean isDurable();

  /** Nothing is taken or appended after this. What does not outlive the process is lost. */
  @Override
  void close();
}
