// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

/**
 * How many sockets have their state where, as a live pass found them.
 *
 * @param slots in the map sockets
 * @param overflow in the map sockets_overflow
 */
public record SocketUse(long slots, long overflow) {
  static final SocketUse NONE = new SocketUse(0, 0);

  public long tracked() {
    return slots + overflow;
  }
}
