// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import io.meshlens.flow.Direction;
import io.meshlens.flow.Errno;
import io.meshlens.flow.Sum;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** The numbers of one series at one moment, which nobody changes any more. */
public final class Counts {
  /** The value of {@code error.type} when the application gave up before any error. */
  static final String ABORTED = "aborted";

  /** The place after the sums: connections that are open. */
  static final int ACTIVE = Sum.COUNT;

  static final int SLOTS = Sum.COUNT + 1;
  static final int[] NO_ERRORS = {};
  static final long[] NO_FAILURES = {};

  /** The form in few bytes of no counts at all. */
  @SuppressWarnings("MutablePublicArray") // it has no element
  public static final byte[] NOTHING_PACKED = PackedNumbers.ZEROES;

  /** Nothing yet. */
  public static final Counts ZERO = new Counts(new long[SLOTS], NO_ERRORS, NO_FAILURES);

  /**
   * Failed connections of one kind.
   *
   * @param type value of {@code error.type}
   */
  public record Failures(String type, long count) {}

  private final long[] values;
  private final int[] errors;
  private final long[] failures;

  /** Keeps the arrays. */
  Counts(long[] values, int[] errors, long[] failures) {
    this.values = values;
    this.errors = errors;
    this.failures = failures;
  }

  public long get(Quantity quantity, Direction reporter) {
    long value = values[quantity.slot(reporter)];
    // The rows of two processors are not read at one instant: never fewer open than none.
    return quantity == Quantity.ACTIVE ? Math.max(0, value) : value;
  }

  /** Whether a connection was ever established. */
  public boolean isConnected() {
    return values[Sum.CONNECTIONS_OPENED.ordinal()] != 0
        || values[Sum.CONNECTIONS_CLOSED.ordinal()] != 0;
  }

  /** By error; the number of those whose error nobody kept has an empty type. */
  public List<Failures> failures() {
    return errors.length == 0
        ? List.of()
        : IntStream.range(0, errors.length)
            .mapToObj(i -> new Failures(type(errors[i]), failures[i]))
            .toList();
  }

  private static String type(int error) {
    return switch (error) {
      case 0 -> ABORTED;
      case Series.ANY_ERROR -> "";
      default -> Errno.name(error);
    };
  }

  /**
   * All numbers in few bytes, to be kept for {@link #since} with every series.
   *
   * @param before such bytes that are not needed any more; or {@link #NOTHING_PACKED}
   * @return the same array, if it is long enough
   */
  public byte[] packed(byte[] before) {
    if (failures.length == 0) {
      return PackedNumbers.pack(values, before);
    }
    long[] all = Arrays.copyOf(values, SLOTS + failures.length);
    System.arraycopy(failures, 0, all, SLOTS, failures.length);
    return PackedNumbers.pack(all, before);
  }

  /**
   * What came after earlier counts of the same series.
   *
   * @param earlier as {@link #packed}
   */
  public Counts since(byte[] earlier) {
    // Errors are only ever added behind those that are there.
    long[] before = new long[SLOTS + failures.length];
    PackedNumbers.unpack(earlier, before);
    long[] difference = values.clone();
    for (int i = 0; i < SLOTS; i++) {
      difference[i] -= before[i];
    }
    long[] failed = failures.length == 0 ? NO_FAILURES : failures.clone();
    for (int i = 0; i < failed.length; i++) {
      failed[i] -= before[SLOTS + i];
    }
    return new Counts(difference, errors, failed);
  }

  @Override
  public String toString() {
    return Arrays.toString(values);
  }
}
