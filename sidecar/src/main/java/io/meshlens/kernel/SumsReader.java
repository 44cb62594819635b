// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.flow.Direction;
import io.meshlens.flow.Sum;
import io.meshlens.flow.SumsRow;
import io.meshlens.flow.SumsSink;
import io.meshlens.flow.Transport;
import io.meshlens.libbpf.BatchCursor;
import io.meshlens.libbpf.BpfMap;
import io.meshlens.libbpf.Libbpf;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import io.meshlens.wire.SumsKeyReader;
import io.meshlens.wire.SumsValueReader;
import io.meshlens.wire.WireCodes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Reads the kernel's sums, of TCP or of UDP, and its counters, in batches, adding up the rows of
 * all processors. Safe for any thread; readers take turns.
 */
public final class SumsReader implements AutoCloseable {
  private static final int BATCH = 512;
  private static final Direction[] DIRECTIONS = Direction.values();

  private final BpfMap sums;
  private final BpfMap overflow;
  private final BpfMap counters;
  private final int cpus = Libbpf.possibleCpus();
  private final ByteBuffer keys;
  private final ByteBuffer values;
  private final ByteBuffer index = direct(Integer.BYTES);
  private final ByteBuffer oneValue;
  private final ByteBuffer counterValues;
  private final SumsKeyReader key = new SumsKeyReader();
  private final SumsValueReader value = new SumsValueReader();
  private final SumsRow row = new SumsRow();
  private volatile int rowsUsed;

  SumsReader(Transport transport, BpfMap sums, BpfMap overflow, BpfMap counters) {
    row.transport = transport;
    this.sums = sums;
    this.overflow = overflow;
    this.counters = counters;
    keys = direct(BATCH * SumsKeyReader.SIZE_BYTES);
    values = direct(BATCH * cpus * SumsValueReader.SIZE_BYTES);
    oneValue = direct(cpus * SumsValueReader.SIZE_BYTES);
    counterValues = direct(cpus * Long.BYTES);
  }

  private static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  /** Hands over the sums as they are now, without an object for each row. */
  public synchronized void read(SumsSink sink) {
    int rowsRead = 0;
    BatchCursor cursor = sums.cursor();
    row.overflow = false;
    while (!cursor.done()) {
      int rows = sums.lookupBatch(cursor, keys, values);
      for (int i = 0; i < rows; i++) {
        key.wrap(keys, i * SumsKeyReader.SIZE_BYTES);
        fillEnds();
        addUp(values, i);
        sink.row(row);
      }
      rowsRead += rows;
    }
    rowsUsed = rowsRead;
    row.overflow = true;
    for (Direction direction : DIRECTIONS) {
      index.putInt(0, direction.ordinal());
      if (overflow.lookup(index, oneValue)) {
        row.direction = direction;
        addUp(oneValue, 0);
        sink.row(row);
      }
    }
  }

  /** Rows of the kernel's map that were in use at the last read. */
  public int rowsUsed() {
    return rowsUsed;
  }

  private void fillEnds() {
    row.direction =
        key.direction() == WireCodes.CONNECTION_DIRECTION_OUTBOUND
            ? Direction.OUTBOUND
            : Direction.INBOUND;
    row.clientHigh = key.clientAddressWord(0);
    row.clientLow = key.clientAddressWord(1);
    row.serverHigh = key.serverAddressWord(0);
    row.serverLow = key.serverAddressWord(1);
    row.serverPort = key.serverPort();
    row.error = key.error();
  }

  private void addUp(ByteBuffer rows, int index) {
    Arrays.fill(row.values, 0);
    for (int cpu = 0; cpu < cpus; cpu++) {
      value.wrap(rows, (index * cpus + cpu) * SumsValueReader.SIZE_BYTES);
      add(Sum.CONNECTIONS_OPENED, value.connectionsOpened());
      add(Sum.CONNECTIONS_CLOSED, value.connectionsClosed());
      add(Sum.CONNECTIONS_FAILED, value.connectionsFailed());
      add(Sum.BYTES_SENT, value.bytesSent());
      add(Sum.BYTES_RECEIVED, value.bytesReceived());
      add(Sum.PACKETS_SENT, value.packetsSent());
      add(Sum.PACKETS_RECEIVED, value.packetsReceived());
      add(Sum.RETRANSMITS, value.retransmits());
    }
  }

  private void add(Sum sum, long amount) {
    row.values[sum.ordinal()] += amount;
  }

  /** Copies the kernel's counters into the vitals. */
  public synchronized void mirrorCounters(Vitals vitals) {
    vitals.mirror(
        Vital.CONNECTIONS_UNTRACKED_REFUSED,
        counter(WireCodes.KERNEL_COUNTER_CONNECTIONS_UNTRACKED));
    vitals.mirror(
        Vital.CONNECTIONS_UNTRACKED_FULL,
        counter(WireCodes.KERNEL_COUNTER_CONNECTIONS_UNTRACKED_FULL));
    vitals.mirror(
        Vital.CONNECTIONS_VANISHED, counter(WireCodes.KERNEL_COUNTER_CONNECTIONS_VANISHED));
    vitals.mirror(
        Vital.CONNECTIONS_FILTERED, counter(WireCodes.KERNEL_COUNTER_CONNECTIONS_FILTERED));
    vitals.mirror(
        Vital.OWN_CONNECTIONS_FILTERED, counter(WireCodes.KERNEL_COUNTER_OWN_CONNECTIONS_FILTERED));
    vitals.mirror(Vital.UDP_UNTRACKED, counter(WireCodes.KERNEL_COUNTER_UDP_UNTRACKED));
    vitals.mirror(Vital.UDP_SOCKETS_UNKNOWN, counter(WireCodes.KERNEL_COUNTER_UDP_SOCKETS_UNKNOWN));
    vitals.mirror(Vital.UDP_UNREADABLE, counter(WireCodes.KERNEL_COUNTER_UDP_UNREADABLE));
    vitals.mirror(Vital.UDP_NOT_QUEUED, counter(WireCodes.KERNEL_COUNTER_UDP_NOT_QUEUED));
    vitals.mirror(Vital.SUMS_FOLDED, counter(WireCodes.KERNEL_COUNTER_SUMS_FOLDED));
  }

  private long counter(int counter) {
    index.putInt(0, counter);
    long total = 0;
    if (counters.lookup(index, counterValues)) {
      for (int cpu = 0; cpu < cpus; cpu++) {
        total += counterValues.getLong(cpu * Long.BYTES);
      }
    }
    return total;
  }

  @Override
  public synchronized void close() {
    counters.close();
    overflow.close();
    sums.close();
  }
}
