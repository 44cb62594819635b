// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.accesslog.ConnectionIds;
import io.meshlens.accesslog.JsonFormat;
import io.meshlens.flow.Connection;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.time.Instant;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
final class LogStreamTest {
  private static final int MANY = 100_000;

  private final Vitals vitals = new Vitals();
  private final ByteArrayOutputStream logged = new ByteArrayOutputStream();
  private final Log log =
      new Log(new PrintStream(logged, true, UTF_8), Log.Level.INFO, () -> Instant.EPOCH);
  private final ByteArrayOutputStream written = new ByteArrayOutputStream();

  private LogStream stream(OutputStream out) {
    return new LogStream(new JsonFormat(new ConnectionIds("1f0c2a9b")), out, vitals, log);
  }

  private static void accept(LogStream stream, int connections) {
    Connection c = new Connection();
    for (int i = 0; i < connections; i++) {
      c.socketCookie = i;
      stream.accept(c);
    }
  }

  private long lines() {
    return written.toString(UTF_8).lines().count();
  }

  @Test
  void everyLineThatFitsIsWrittenByTheEnd() {
    LogStream stream = stream(written);
    accept(stream, 1_009);

    stream.end();
    stream.run();

    assertThat(lines()).isEqualTo(1_009);
    assertThat(vitals.get(Vital.LOG_LINES_WRITTEN)).isEqualTo(1_009);
    assertThat(written.toString(UTF_8)).endsWith("}\n");
  }

  @Test
  void endWithoutAnyLineEndsTheWriter() {
    LogStream stream = stream(written);

    stream.end();
    stream.run();

    assertThat(lines()).isZero();
  }

  @Test
  void linesAreWrittenInTheirOrder() {
    LogStream stream = stream(written);
    accept(stream, 3);

    stream.end();
    stream.run();

    assertThat(written.toString(UTF_8)).containsSubsequence("9b-0\"", "9b-1\"", "9b-2\"");
  }

  @Test
  void writerThatNeverComesDoesNotBlockAndItsLossIsCounted() {
    LogStream stream = stream(written);
    accept(stream, MANY);
    long lost = vitals.get(Vital.LOG_LINES_LOST_QUEUE_FULL);

    stream.end();
    stream.run();

    assertThat(lost).isPositive();
    assertThat(lines()).isEqualTo(MANY - lost).isEqualTo(vitals.get(Vital.LOG_LINES_WRITTEN));
    assertThat(logged.toString(UTF_8)).contains("too slow");
  }

  @Test
  void slowWriterLosesLinesButMiscountsNone() throws InterruptedException {
    CountDownLatch mayWrite = new CountDownLatch(1);
    LogStream stream =
        stream(
            new OutputStream() {
              @Override
              public void write(int b) {
                throw new IllegalStateException("lines come in chunks");
              }

              @Override
              public void write(byte[] bytes, int offset, int length) throws IOException {
                try {
                  mayWrite.await();
                } catch (InterruptedException e) {
                  throw new IOException(e);
                }
                written.write(bytes, offset, length);
              }
            });
    Thread writer = new Thread(stream, "log-writer");
    writer.start();
    accept(stream, MANY);
    mayWrite.countDown();
    accept(stream, MANY);
    stream.end();
    writer.join();

    long lost = vitals.get(Vital.LOG_LINES_LOST_QUEUE_FULL);
    assertThat(lost).isPositive();
    assertThat(lines() + lost).isEqualTo(2L * MANY);
    assertThat(vitals.get(Vital.LOG_LINES_WRITTEN)).isEqualTo(lines());
  }

  @Test
  void failingStreamIsCountedAndTheNextChunkTried() {
    int[] calls = {0};
    LogStream stream =
        stream(
            new OutputStream() {
              @Override
              public void write(int b) throws IOException {
                throw new IOException("broken");
              }

              @Override
              public void write(byte[] bytes, int offset, int length) throws IOException {
                if (calls[0]++ == 0) {
                  throw new IOException("no space left");
                }
                written.write(bytes, offset, length);
              }
            });
    accept(stream, 5);
    stream.endBatch();
    accept(stream, 7);

    stream.end();
    stream.run();

    assertThat(vitals.get(Vital.LOG_LINES_LOST_WRITE_FAILED)).isEqualTo(5);
    assertThat(vitals.get(Vital.LOG_LINES_WRITTEN)).isEqualTo(7);
    assertThat(logged.toString(UTF_8)).contains("no space left");
  }

  @Test
  void interruptedWriterCountsWhatItLeaves() {
    LogStream stream = stream(written);
    accept(stream, 5);
    stream.endBatch();

    Thread.currentThread().interrupt();
    stream.run();

    assertThat(Thread.interrupted()).isTrue();
    assertThat(vitals.get(Vital.LOG_LINES_LOST_WRITE_FAILED)).isEqualTo(5);
  }
}
