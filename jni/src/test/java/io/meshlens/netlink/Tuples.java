// SPDX-License-Identifier: Apache-2.0
package io.meshlens.netlink;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;

/** Tuples from and to text, such as {@code 10.1.0.2 40660 > 10.99.0.1 80}. */
final class Tuples {
  private static final long MAPPED_PREFIX = 0x0000_ffff_0000_0000L;

  private Tuples() {}

  static ConntrackTuple of(String source, int sourcePort, String destination, int port) {
    ConntrackTuple tuple = new ConntrackTuple();
    ByteBuffer address = bytes(source);
    tuple.sourceHigh = address.getLong(0);
    tuple.sourceLow = address.getLong(8);
    address = bytes(destination);
    tuple.destinationHigh = address.getLong(0);
    tuple.destinationLow = address.getLong(8);
    tuple.sourcePort = sourcePort;
    tuple.destinationPort = port;
    return tuple;
  }

  static String text(ConntrackTuple tuple) {
    return text(tuple.sourceHigh, tuple.sourceLow, tuple.sourcePort)
        + " > "
        + text(tuple.destinationHigh, tuple.destinationLow, tuple.destinationPort);
  }

  /** Both tuples, the original one first. */
  static String text(ConntrackEntry entry) {
    return text(entry.original) + ", " + text(entry.reply);
  }

  /** In one spelling, whatever the spelling of the addresses. */
  static String text(String source, int sourcePort, String destination, int port) {
    return text(of(source, sourcePort, destination, port));
  }

  private static String text(long high, long low, int port) {
    try {
      byte[] bytes = ByteBuffer.allocate(16).putLong(high).putLong(low).array();
      return InetAddress.getByAddress(bytes).getHostAddress() + " " + port;
    } catch (UnknownHostException e) {
      throw new AssertionError(e);
    }
  }

  private static ByteBuffer bytes(String literal) {
    try {
      byte[] bytes = InetAddress.getByName(literal).getAddress();
      ByteBuffer mapped = ByteBuffer.allocate(16);
      return bytes.length == 16
          ? mapped.put(bytes)
          : mapped.putLong(8, MAPPED_PREFIX).put(12, bytes);
    } catch (UnknownHostException e) {
      throw new AssertionError(e);
    }
  }
}
