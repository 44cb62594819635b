// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import io.fabric8.kubernetes.client.http.AsyncBody;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The body of an answer as it arrives. Whoever reads waits for at most {@code idle}; the next part
 * is asked for when the last one is used up, so that no more than one is in memory.
 *
 * <p>Owned by: one thread, but for {@link #consume}, which belongs to the HTTP client's.
 */
@SuppressWarnings("ReferenceEquality") // any empty part equals the end
final class BodyStream extends InputStream implements AsyncBody.Consumer<List<ByteBuffer>> {
  private static final ByteBuffer END = ByteBuffer.allocate(0);

  private final BlockingQueue<ByteBuffer> parts = new LinkedBlockingQueue<>();
  private final Duration idle;
  private volatile @Nullable Throwable failure;
  private @Nullable AsyncBody body;
  private ByteBuffer current = ByteBuffer.allocate(0);

  BodyStream(Duration idle) {
    this.idle = idle;
  }

  @Override
  public void consume(List<ByteBuffer> value, AsyncBody asyncBody) {
    parts.addAll(value);
  }

  /** Begins to take the body. */
  void start(AsyncBody asyncBody) {
    body = asyncBody;
    var _ =
        asyncBody
            .done()
            .whenComplete(
                (nothing, cause) -> {
                  failure = cause;
                  parts.add(END);
                });
    asyncBody.consume();
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    while (!current.hasRemaining()) {
      if (current == END) {
        return -1;
      }
      current = next();
    }
    int count = Math.min(length, current.remaining());
    current.get(target, offset, count);
    return count;
  }

  private ByteBuffer next() throws IOException {
    ByteBuffer part = parts.poll();
    if (part == null) {
      if (body != null) {
        body.consume();
      }
      part = await();
    }
    Throwable cause = failure;
    if (part == END && cause != null) {
      throw new IOException("the connection to the Kubernetes API broke: " + cause, cause);
    }
    return part;
  }

  private ByteBuffer await() throws IOException {
    try {
      ByteBuffer part = parts.poll(idle.toMillis(), TimeUnit.MILLISECONDS);
      if (part == null) {
        throw new SocketTimeoutException(
            "the Kubernetes API sent nothing for " + idle.toMillis() + " ms");
      }
      return part;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("ending");
    }
  }

  @Override
  public void close() {
    if (body != null) {
      body.cancel();
    }
  }
}
