// SPDX-License-Identifier: Apache-2.0
package io.meshlens.wire;

/** Every enumeration value of wire.h under its C name. */
public final class WireCodes {
  public static final int WIRE_ABI_VERSION = 1;
  public static final int RECORD_KIND_CONNECTION = 1;
  public static final int CONNECTION_EVENT_CLOSED = 1;
  public static final int CONNECTION_EVENT_FAILED = 2;
  public static final int CONNECTION_DIRECTION_OUTBOUND = 1;
  public static final int CONNECTION_DIRECTION_INBOUND = 2;
  public static final int CONNECTION_STATE_ESTABLISHED = 1;
  public static final int CONNECTION_STATE_SYN_SENT = 2;
  public static final int CONNECTION_STATE_SYN_RECV = 3;
  public static final int CONNECTION_STATE_FIN_WAIT1 = 4;
  public static final int CONNECTION_STATE_FIN_WAIT2 = 5;
  public static final int CONNECTION_STATE_TIME_WAIT = 6;
  public static final int CONNECTION_STATE_CLOSE = 7;
  public static final int CONNECTION_STATE_CLOSE_WAIT = 8;
  public static final int CONNECTION_STATE_LAST_ACK = 9;
  public static final int CONNECTION_STATE_CLOSING = 11;
  public static final int KERNEL_COUNTER_RECORDS_SUBMITTED = 0;
  public static final int KERNEL_COUNTER_RECORDS_LOST_RING_FULL = 1;
  public static final int KERNEL_COUNTER_CONNECTIONS_UNTRACKED = 2;
  public static final int KERNEL_COUNTER_SUMS_FOLDED = 3;
  public static final int KERNEL_COUNTER_COUNT = 4;

  private WireCodes() {}
}
