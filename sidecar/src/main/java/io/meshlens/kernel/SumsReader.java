// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.flow.Address;
import io.meshlens.flow.AddressPair;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Sums;
import io.meshlens.flow.SumsSnapshot;
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
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;

/**
 * Reads the kernel's sums, of TCP or of UDP, and its counters, in batches, adding up the rows of
 * all processors. Safe for any thread; readers take turns.
 */
public final class SumsReader implements AutoCloseable {
  private static final int BATCH = 512;

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
  private volatile int rowsUsed;

  SumsReader(BpfMap sums, BpfMap overflow, BpfMap counters) {
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

  /** The sums now. */
  public synchronized SumsSnapshot read() {
    Map<AddressPair, Sums> byPair = new HashMap<>();
    BatchCursor cursor = sums.cursor();
    while (!cursor.done()) {
      int rows = sums.lookupBatch(cursor, keys, values);
      for (int row = 0; row < rows; row++) {
        key.wrap(keys, row * SumsKeyReader.SIZE_BYTES);
        byPair.put(pair(), addUp(values, row));
      }
    }
    rowsUsed = byPair.size();
    Map<Direction, Sums> folded = new EnumMap<>(Direction.class);
    for (Direction direction : Direction.values()) {
      index.putInt(0, direction.ordinal());
      if (overflow.lookup(index, oneValue)) {
        Sums row = addUp(oneValue, 0);
        if (!row.isZero()) {
          folded.put(direction, row);
        }
      }
    }
    return new SumsSnapshot(byPair, folded);
  }

  /** Rows of the kernel's map that were in use at the last read. */
  public int rowsUsed() {
    return rowsUsed;
  }

  private AddressPair pair() {
    return new AddressPair(
        key.direction() == WireCodes.CONNECTION_DIRECTION_OUTBOUND
            ? Direction.OUTBOUND
            : Direction.INBOUND,
        new Address(key.clientAddressWord(0), key.clientAddressWord(1)),
        new Address(key.serverAddressWord(0), key.serverAddressWord(1)),
        key.serverPort(),
        key.error());
  }

  private Sums addUp(ByteBuffer rows, int row) {
    Sums total = Sums.ZERO;
    for (int cpu = 0; cpu < cpus; cpu++) {
      value.wrap(rows, (row * cpus + cpu) * SumsValueReader.SIZE_BYTES);
      total =
          total.plus(
              new Sums(
                  value.connectionsOpened(),
                  value.connectionsClosed(),
                  value.connectionsFailed(),
                  value.bytesSent(),
                  value.bytesReceived(),
                  value.packetsSent(),
                  value.packetsReceived(),
                  value.retransmits()));
    }
    return total;
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
