// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import io.meshlens.flow.Address;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Identity;
import io.meshlens.flow.Sum;
import io.meshlens.flow.SumsRow;
import io.meshlens.flow.Transport;
import java.util.function.Predicate;

/**
 * How much of each of the kernel's cumulative rows is accounted for: the only place that computes
 * differences of them. Guarded by the store's lock; finding a row that is known allocates nothing.
 */
final class RowLedger {
  private static final int LEAST_CAPACITY = 1 << 10;
  private static final Series[] NOWHERE = {};

  /** A row of the kernel's, and where its numbers go. */
  static final class Row {
    private final Transport transport;
    private final Direction direction;
    private final boolean overflow;
    private final long clientHigh;
    private final long clientLow;
    private final long serverHigh;
    private final long serverLow;
    private final int serverPort;
    private final int error;
    private byte[] accounted = PackedNumbers.ZEROES;
    private int readAt;

    /** Nothing of the row was counted before. */
    final long sinceEpochNs;

    /** The same by the monotonic clock. */
    final long sinceMonoNs;

    /** Who the ends were when it was last accounted for. */
    Identity source = Identity.UNKNOWN;

    Identity destination = Identity.UNKNOWN;

    /** One for each table of its transport; none before it is first accounted for. */
    Series[] series = NOWHERE;

    /** Found no room in a table. */
    boolean folded;

    /** Its open connections, as far as they are accounted for. */
    long active;

    private Row(SumsRow read, long sinceEpochNs, long sinceMonoNs) {
      transport = read.transport;
      direction = read.direction;
      overflow = read.overflow;
      clientHigh = read.clientHigh;
      clientLow = read.clientLow;
      serverHigh = read.serverHigh;
      serverLow = read.serverLow;
      serverPort = read.serverPort;
      error = read.error;
      this.sinceEpochNs = sinceEpochNs;
      this.sinceMonoNs = sinceMonoNs;
    }

    boolean isAccounted() {
      return series.length != 0;
    }

    Ends ends() {
      return new Ends(
          direction,
          new Address(clientHigh, clientLow),
          new Address(serverHigh, serverLow),
          serverPort,
          source,
          destination);
    }

    private boolean is(SumsRow read) {
      return clientLow == read.clientLow
          && serverLow == read.serverLow
          && serverPort == read.serverPort
          && error == read.error
          && direction == read.direction
          && transport == read.transport
          && overflow == read.overflow
          && clientHigh == read.clientHigh
          && serverHigh == read.serverHigh;
    }
  }

  private Row[] rows = new Row[LEAST_CAPACITY];
  private int used;
  private int read;
  private int reads;

  /** Begins a reading of all rows. */
  void begin() {
    reads++;
    read = 0;
  }

  /** The row, noted as read; a new one begins to count at the time given. */
  Row find(SumsRow wanted, long sinceEpochNs, long sinceMonoNs) {
    if (wanted.overflow) {
      clearEnds(wanted);
    }
    int mask = rows.length - 1;
    int at = hash(wanted) & mask;
    Row row = rows[at];
    while (row != null && !row.is(wanted)) {
      at = at + 1 & mask;
      row = rows[at];
    }
    if (row == null) {
      row = new Row(wanted, sinceEpochNs, sinceMonoNs);
      rows[at] = row;
      used++;
      if (used > rows.length / 2) {
        rebuild(2 * rows.length, known -> true);
      }
    }
    if (row.readAt != reads) {
      row.readAt = reads;
      read++;
    }
    return row;
  }

  private static void clearEnds(SumsRow overflow) {
    overflow.clientHigh = 0;
    overflow.clientLow = 0;
    overflow.serverHigh = 0;
    overflow.serverLow = 0;
    overflow.serverPort = 0;
    overflow.error = Series.ANY_ERROR;
  }

  /**
   * What came since the row was last accounted for.
   *
   * @param difference is set to it
   * @return whether it is anything
   */
  static boolean subtract(Row row, SumsRow now, long[] difference) {
    boolean fell = false;
    boolean any = false;
    PackedNumbers.unpack(row.accounted, difference);
    for (int i = 0; i < Sum.COUNT; i++) {
      difference[i] = now.values[i] - difference[i];
      fell |= difference[i] < 0;
      any |= difference[i] != 0;
    }
    if (fell) {
      // Another row of the same key: the kernel's map was made anew.
      System.arraycopy(now.values, 0, difference, 0, Sum.COUNT);
    }
    return any;
  }

  static void account(Row row, SumsRow now) {
    row.accounted = PackedNumbers.pack(now.values, row.accounted);
  }

  /** All rows were read: those that were not are gone. */
  void endComplete() {
    if (read < used) {
      rebuild(rows.length, row -> row.readAt == reads);
    }
  }

  int size() {
    return used;
  }

  private void rebuild(int capacity, Predicate<Row> wanted) {
    Row[] before = rows;
    rows = new Row[capacity];
    used = 0;
    int mask = capacity - 1;
    for (Row row : before) {
      if (row != null && wanted.test(row)) {
        int at = hash(row) & mask;
        while (rows[at] != null) {
          at = at + 1 & mask;
        }
        rows[at] = row;
        used++;
      }
    }
  }

  private static int hash(SumsRow row) {
    return hash(
        row.clientHigh,
        row.clientLow,
        row.serverHigh,
        row.serverLow,
        row.serverPort,
        row.error,
        row.direction,
        row.transport);
  }

  private static int hash(Row row) {
    return hash(
        row.clientHigh,
        row.clientLow,
        row.serverHigh,
        row.serverLow,
        row.serverPort,
        row.error,
        row.direction,
        row.transport);
  }

  private static int hash(
      long clientHigh,
      long clientLow,
      long serverHigh,
      long serverLow,
      int serverPort,
      int error,
      Direction direction,
      Transport transport) {
    long hash = clientLow * 0x9e37_79b9_7f4a_7c15L + serverLow;
    hash = (hash ^ hash >>> 29) * 0xbf58_476d_1ce4_e5b9L + clientHigh;
    hash = (hash ^ hash >>> 31) * 0x94d0_49bb_1331_11ebL + serverHigh;
    hash = (hash ^ hash >>> 30) + ((long) serverPort << 20) + ((long) error << 2);
    hash = (hash + direction.ordinal() + 2L * transport.ordinal()) * 0x9e37_79b9_7f4a_7c15L;
    return (int) (hash >>> 32);
  }
}
