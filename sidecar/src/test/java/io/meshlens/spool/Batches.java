// SPDX-License-Identifier: Apache-2.0
package io.meshlens.spool;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Batches that tell their number, and what a spool gives back of them. */
final class Batches {
  private Batches() {}

  /** A batch of some records; the bytes after its number cannot be compressed. */
  static Batch batch(int number, int records, int bytes) {
    byte[] message = new byte[bytes];
    new Random(number).nextBytes(message);
    ByteBuffer.wrap(message).putInt(number);
    return new Batch(message, records);
  }

  static int number(Batch batch) {
    int number = ByteBuffer.wrap(batch.message()).getInt();
    Batch expected = batch(number, batch.records(), batch.message().length);
    if (!java.util.Arrays.equals(expected.message(), batch.message())) {
      throw new AssertionError("other bytes than batch " + number + " had");
    }
    return number;
  }

  /** The numbers of everything that can be taken now. */
  static List<Integer> takeAll(Spool spool) throws InterruptedException {
    List<Integer> numbers = new ArrayList<>();
    while (true) {
      Batch batch = spool.take(Duration.ZERO);
      if (batch == null) {
        return numbers;
      }
      numbers.add(number(batch));
    }
  }
}
