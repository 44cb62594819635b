// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import io.meshlens.accesslog.JsonFormat;
import io.meshlens.flow.Connection;
import io.meshlens.flow.ConnectionSink;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.io.OutputStream;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * Access log lines to a stream (stdout). The ring reader formats into chunks and never waits; the
 * thread log-writer writes full chunks out and gives them back. When no chunk is free, because the
 * stream's reader is slow, lines are lost and counted.
 *
 * <p>{@link #accept} and {@link #endBatch}: owned by ring-reader. {@link #run}: log-writer.
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

  private final JsonFormat format;
  private final OutputStream out;
  private final Vitals vitals;
  private final Log log;
  private final BlockingQueue<Chunk> freeChunks = new ArrayBlockingQueue<>(CHUNKS);
  private final BlockingQueue<Chunk> fullChunks = new ArrayBlockingQueue<>(CHUNKS + 1);
  private int chunksMade;

  /** Owned by: ring-reader. */
  private @Nullable Chunk current;

  public LogStream(JsonFormat format, OutputStream out, Vitals vitals, Log log) {
    this.format = format;
    this.out = out;
    this.vitals = vitals;
    this.log = log;
  }

  @Override
  public void accept(Connection connection) {
    Chunk chunk = current;
    if (chunk != null && chunk.length > CHUNK_BYTES - JsonFormat.MAX_LINE_BYTES) {
      endBatch();
      chunk = null;
    }
    if (chunk == null) {
      chunk = takeFree();
      current = chunk;
    }
    if (chunk == null) {
      vitals.increment(Vital.LOG_LINES_LOST_QUEUE_FULL);
      log.warnRepeated(
          "stdout-full",
          "whoever reads the access log on stdout is too slow: lines are being lost");
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
      for (Chunk chunk = fullChunks.take(); chunk != END; chunk = fullChunks.take()) {
        write(chunk);
        chunk.length = 0;
        chunk.lines = 0;
        freeChunks.add(chunk);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      for (Chunk chunk = fullChunks.poll(); chunk != null; chunk = fullChunks.poll()) {
        vitals.add(Vital.LOG_LINES_LOST_WRITE_FAILED, chunk.lines);
      }
    }
  }

  private void write(Chunk chunk) {
    try {
      out.write(chunk.bytes, 0, chunk.length);
      out.flush();
      vitals.add(Vital.LOG_LINES_WRITTEN, chunk.lines);
    } catch (IOException e) {
      vitals.add(Vital.LOG_LINES_LOST_WRITE_FAILED, chunk.lines);
      log.warnRepeated("stdout-write", "cannot write the access log to stdout: " + e.getMessage());
    }
  }
}
