// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import java.time.Duration;

/**
 * One way to an OTLP receiver, for requests that are encoded already. Owned by: the thread that
 * sends, but for {@link #cancel}.
 */
interface OtlpTransport extends AutoCloseable {
  /** Answers of a receiver are a few bytes; more is something else. */
  int MAX_ANSWER_BYTES = 1 << 16;

  /**
   * Sends a request and waits for the answer, at most that long.
   *
   * @throws InterruptedException when this thread was told to end; then the request is cancelled
   */
  Answer send(byte[] request, Duration timeout) throws InterruptedException;

  /** Ends the request that is under way, from any thread. */
  void cancel();

  @Override
  void close();
}
