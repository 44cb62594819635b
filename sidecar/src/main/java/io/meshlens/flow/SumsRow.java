// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

/**
 * One row of the kernel's sums: a transport, direction, client, server, server port and error, with
 * cumulative numbers.
 *
 * <p>Mutable and reused: whoever reads the sums fills the same instance for every row, so that
 * reading allocates nothing. Valid for the length of one {@link SumsSink#row}.
 */
public final class SumsRow {
  public Transport transport = Transport.TCP;
  public Direction direction = Direction.OUTBOUND;

  /** Stands for all pairs that found no room in the kernel; then it has no ends. */
  public boolean overflow;

  public long clientHigh;
  public long clientLow;
  public long serverHigh;
  public long serverLow;

  /** Of UDP 0 when nobody chose one. */
  public int serverPort;

  /** Positive errno of failed connections, 0 for all others and for aborted ones. */
  public int error;

  /** By the order of {@link Sum}. */
  public final long[] values = new long[Sum.COUNT];

  public long get(Sum sum) {
    return values[sum.ordinal()];
  }

  public void set(Sum sum, long value) {
    values[sum.ordinal()] = value;
  }
}
