// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import io.meshlens.flow.Address;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Sum;
import io.meshlens.flow.SumsRow;
import io.meshlens.flow.SumsSink;
import io.meshlens.flow.SumsSource;
import io.meshlens.flow.Transport;
import java.util.LinkedHashMap;
import java.util.Map;

/** Stands for the kernel's map of sums: rows that only ever grow. */
public final class KernelSums implements SumsSource {
  /** What a row is kept for. */
  public record Pair(
      Transport transport,
      Direction direction,
      Address client,
      Address server,
      int serverPort,
      int error) {
    public static Pair outbound(int client, int server) {
      return new Pair(Transport.TCP, Direction.OUTBOUND, ipv4(client), ipv4(server), 443, 0);
    }

    public static Pair inbound(int client, int server) {
      return new Pair(Transport.TCP, Direction.INBOUND, ipv4(client), ipv4(server), 443, 0);
    }

    public Pair failedWith(int errno) {
      return new Pair(transport, direction, client, server, serverPort, errno);
    }

    /** Of datagrams; port 0: one that nobody chose. */
    public Pair overUdp(int port) {
      return new Pair(Transport.UDP, direction, client, server, port, 0);
    }
  }

  private final Map<Pair, long[]> rows = new LinkedHashMap<>();
  private final Map<Direction, long[]> overflow = new LinkedHashMap<>();
  private boolean broken;

  /** 10.0.x.y. */
  public static Address ipv4(int last) {
    return new Address(0, 0x0000_ffff_0a00_0000L | last);
  }

  public void add(Pair key, Sum sum, long amount) {
    rows.computeIfAbsent(key, k -> new long[Sum.COUNT])[sum.ordinal()] += amount;
  }

  /** One connection that sent and received, and is open. */
  public void open(Pair key, long sent, long received) {
    add(key, Sum.CONNECTIONS_OPENED, 1);
    add(key, Sum.BYTES_SENT, sent);
    add(key, Sum.BYTES_RECEIVED, received);
  }

  public void close(Pair key) {
    add(key, Sum.CONNECTIONS_CLOSED, 1);
  }

  public void addOverflow(Direction direction, Sum sum, long amount) {
    overflow.computeIfAbsent(direction, d -> new long[Sum.COUNT])[sum.ordinal()] += amount;
  }

  public void remove(Pair key) {
    rows.remove(key);
  }

  /** From now on half of a reading fails. */
  public void breakOff() {
    broken = true;
  }

  public void mend() {
    broken = false;
  }

  public long total(Sum sum) {
    return rows.values().stream().mapToLong(row -> row[sum.ordinal()]).sum()
        + overflow.values().stream().mapToLong(row -> row[sum.ordinal()]).sum();
  }

  @Override
  public void read(SumsSink sink) {
    SumsRow row = new SumsRow();
    int left = broken ? rows.size() / 2 : Integer.MAX_VALUE;
    for (Map.Entry<Pair, long[]> each : rows.entrySet()) {
      if (left-- == 0) {
        throw new IllegalStateException("broken off");
      }
      Pair key = each.getKey();
      row.overflow = false;
      row.transport = key.transport();
      row.direction = key.direction();
      row.clientHigh = key.client().high();
      row.clientLow = key.client().low();
      row.serverHigh = key.server().high();
      row.serverLow = key.server().low();
      row.serverPort = key.serverPort();
      row.error = key.error();
      System.arraycopy(each.getValue(), 0, row.values, 0, Sum.COUNT);
      sink.row(row);
    }
    overflow.forEach(
        (direction, values) -> {
          row.overflow = true;
          row.transport = Transport.TCP;
          row.direction = direction;
          System.arraycopy(values, 0, row.values, 0, Sum.COUNT);
          sink.row(row);
        });
  }
}
