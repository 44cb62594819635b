// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.accesslog.LineFormat;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionSink;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vitals;
import java.io.OutputStream;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Access log lines to stdout or a file. The ring reader formats into chunks and never waits; a
 * thread of each log, log-writer or log-file, writes full chunks out and gives them back. When no
 * chunk is free, because the stream's reader or the disk is slow, lines are lost and counted.
 *
 * <p>{@link #accept} and {@link #endBatch}: owned by ring-reader. {@link #run}: the log's thread.
 */
public final class LogStream implements ConnectionSink, Runnable {
  private static final int CHUNK_BYTES = 64 * 1024;
  private static final int CHUNKS = 64;

  private static final class Chunk {
    final byte[] bytes = new byte[CHUNK_BYTES];
    int length;
    int lines;
  }

  /** Handed to the writer to make it stop. */
  private static final Chunk END = new Chunk();

  private final LineFormat format;
  private final LineTarget target;
  private final Vitals vitals;
  private final Log log;
  private final BlockingQueue<Chunk> freeChunks = new ArrayBlockingQueue<>(CHUNKS);
  private final BlockingQueue<Chunk> fullChunks = new ArrayBlockingQueue<>(CHUNKS + 1);
  private int chunksMade;

  /** Owned by: ring-reader. */
  private @Nullable Chunk current;

  /** Lines to stdout. */
  public LogStream(LineFormat format, OutputStream out, Vitals vitals, Log log) {
    this(format, new StreamTarget(out, vitals, log), vitals, log);
  }

  /** Lines to a file, which this closes. */
  public LogStream(LineFormat format, LogFile file, Vitals vitals, Log log) {
    this(format, (LineTarget) file, vitals, log);
  }

  private LogStream(LineFormat format, LineTarget target, Vitals vitals, Log log) {
    if (format.maxLineBytes() > CHUNK_BYTES) {
      throw new IllegalArgumentException("a line is longer than a chunk");
    }
    this.format = format;
    this.target = target;
    this.vitals = vitals;
    this.log = log;
  }

  @Override
  public void accept(Connection connection) {
    Chunk chunk = current;
    if (chunk != null && chunk.length > CHUNK_BYTES - format.maxLineBytes()) {
      endBatch();
      chunk = null;
    }
    if (chunk == null) {
      chunk = takeFree();
      current = chunk;
    }
    if (chunk == null) {
      vitals.increment(target.lostQueueFull());
      log.warnRepeated(
          target.name() + "-full",
          "%s is too slow for the access log: lines are being lost".formatted(target.name()));
      return;
    }
    chunk.length = format.write(connection, chunk.bytes, chunk.length);
    chunk.lines++;
  }

  /** A quiet node needs one chunk, a busy one up to all. */
  private @Nullable Chunk takeFree() {
    Chunk chunk = freeChunks.poll();
    if (chunk == null && chunksMade < CHUNKS) {
      chunksMade++;
      chunk = new Chunk();
    }
    return chunk;
  }

  @Override
  public void endBatch() {
    Chunk chunk = current;
    if (chunk != null && chunk.lines > 0) {
      current = null;
      // There are never more chunks than places.
      fullChunks.add(chunk);
    }
  }

  /** No more lines will come: the writer ends after what it has. Called by ring-reader's owner. */
  public void end() {
    endBatch();
    fullChunks.add(END);
  }

  /** Writes chunks until {@link #end}, or until interrupted. */
  @Override
  public void run() {
    try {
      for (Chunk chunk = take(); chunk != END; chunk = take()) {
        target.write(chunk.bytes, chunk.length, chunk.lines);
        chunk.length = 0;
        chunk.lines = 0;
        freeChunks.add(chunk);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      for (Chunk chunk = fullChunks.poll(); chunk != null; chunk = fullChunks.poll()) {
        vitals.add(target.lostAtEnd(), chunk.lines);
      }
    } finally {
      target.close();
    }
  }

  private Chunk take() throws InterruptedException {
    Chunk chunk = fullChunks.poll(target.idleMs(), TimeUnit.MILLISECONDS);
    while (chunk == null) {
      target.idle();
      chunk = fullChunks.poll(target.idleMs(), TimeUnit.MILLISECONDS);
    }
    return chunk;
  }
}
