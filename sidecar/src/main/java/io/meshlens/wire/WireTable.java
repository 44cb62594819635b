// SPDX-License-Identifier: Apache-2.0
package io.meshlens.wire;

/** The layout that the readers of this package were generated for. */
final class WireTable {
  /** Lines of {@code what = layout}, in the words of BtfLayout. */
  static final String LAYOUT =
      """
      enum connection_direction.CONNECTION_DIRECTION_INBOUND = 2
      enum connection_direction.CONNECTION_DIRECTION_OUTBOUND = 1
      enum connection_event.CONNECTION_EVENT_CLOSED = 1
      enum connection_event.CONNECTION_EVENT_FAILED = 2
      enum connection_state.CONNECTION_STATE_CLOSE = 7
      enum connection_state.CONNECTION_STATE_CLOSE_WAIT = 8
      enum connection_state.CONNECTION_STATE_CLOSING = 11
      enum connection_state.CONNECTION_STATE_ESTABLISHED = 1
      enum connection_state.CONNECTION_STATE_FIN_WAIT1 = 4
      enum connection_state.CONNECTION_STATE_FIN_WAIT2 = 5
      enum connection_state.CONNECTION_STATE_LAST_ACK = 9
      enum connection_state.CONNECTION_STATE_SYN_RECV = 3
      enum connection_state.CONNECTION_STATE_SYN_SENT = 2
      enum connection_state.CONNECTION_STATE_TIME_WAIT = 6
      enum kernel_counter.KERNEL_COUNTER_CONNECTIONS_UNTRACKED = 2
      enum kernel_counter.KERNEL_COUNTER_COUNT = 4
      enum kernel_counter.KERNEL_COUNTER_RECORDS_LOST_RING_FULL = 1
      enum kernel_counter.KERNEL_COUNTER_RECORDS_SUBMITTED = 0
      enum kernel_counter.KERNEL_COUNTER_SUMS_FOLDED = 3
      enum record_kind.RECORD_KIND_CONNECTION = 1
      enum wire_abi.WIRE_ABI_VERSION = 1
      struct connection_record = 184 bytes
      struct connection_record.bytes_received = offset 48, 8 bytes, __u64 unsigned
      struct connection_record.bytes_retransmitted = offset 56, 8 bytes, __u64 unsigned
      struct connection_record.bytes_sent = offset 40, 8 bytes, __u64 unsigned
      struct connection_record.cgroup_id = offset 80, 8 bytes, __u64 unsigned
      struct connection_record.comm = offset 120, 16 bytes, __u8 byte_array
      struct connection_record.direction = offset 174, 1 bytes, __u8 unsigned
      struct connection_record.end_mono_ns = offset 32, 8 bytes, __u64 unsigned
      struct connection_record.error = offset 170, 2 bytes, __u16 unsigned
      struct connection_record.established_mono_ns = offset 24, 8 bytes, __u64 unsigned
      struct connection_record.event = offset 175, 1 bytes, __u8 unsigned
      struct connection_record.header = offset 0, 8 bytes, record_header struct
      struct connection_record.incarnation = offset 172, 2 bytes, __u16 unsigned
      struct connection_record.local_address = offset 88, 16 bytes, __u8 byte_array
      struct connection_record.local_port_be = offset 164, 2 bytes, __be16 unsigned
      struct connection_record.min_rtt_us = offset 152, 4 bytes, __u32 unsigned
      struct connection_record.netns = offset 136, 4 bytes, __u32 unsigned
      struct connection_record.packets_received = offset 72, 8 bytes, __u64 unsigned
      struct connection_record.packets_sent = offset 64, 8 bytes, __u64 unsigned
      struct connection_record.pid = offset 140, 4 bytes, __u32 unsigned
      struct connection_record.remote_address = offset 104, 16 bytes, __u8 byte_array
      struct connection_record.remote_port_be = offset 166, 2 bytes, __be16 unsigned
      struct connection_record.reserved = offset 177, 7 bytes, __u8 byte_array
      struct connection_record.retransmits = offset 156, 4 bytes, __u32 unsigned
      struct connection_record.rtt_us = offset 144, 4 bytes, __u32 unsigned
      struct connection_record.rtt_var_us = offset 148, 4 bytes, __u32 unsigned
      struct connection_record.shutdown = offset 176, 1 bytes, __u8 unsigned
      struct connection_record.socket_cookie = offset 8, 8 bytes, __u64 unsigned
      struct connection_record.start_mono_ns = offset 16, 8 bytes, __u64 unsigned
      struct connection_record.states = offset 168, 2 bytes, __u16 unsigned
      struct connection_record.syn_retransmits = offset 160, 4 bytes, __u32 unsigned
      struct record_header = 8 bytes
      struct record_header.kind = offset 0, 2 bytes, __u16 unsigned
      struct record_header.length_bytes = offset 4, 4 bytes, __u32 unsigned
      struct record_header.version = offset 2, 2 bytes, __u16 unsigned
      struct sums_key = 40 bytes
      struct sums_key.client_address = offset 0, 16 bytes, __u8 byte_array
      struct sums_key.direction = offset 36, 1 bytes, __u8 unsigned
      struct sums_key.error = offset 34, 2 bytes, __u16 unsigned
      struct sums_key.reserved = offset 37, 3 bytes, __u8 byte_array
      struct sums_key.server_address = offset 16, 16 bytes, __u8 byte_array
      struct sums_key.server_port_be = offset 32, 2 bytes, __be16 unsigned
      struct sums_value = 64 bytes
      struct sums_value.bytes_received = offset 32, 8 bytes, __u64 unsigned
      struct sums_value.bytes_sent = offset 24, 8 bytes, __u64 unsigned
      struct sums_value.connections_closed = offset 8, 8 bytes, __u64 unsigned
      struct sums_value.connections_failed = offset 16, 8 bytes, __u64 unsigned
      struct sums_value.connections_opened = offset 0, 8 bytes, __u64 unsigned
      struct sums_value.packets_received = offset 48, 8 bytes, __u64 unsigned
      struct sums_value.packets_sent = offset 40, 8 bytes, __u64 unsigned
      struct sums_value.retransmits = offset 56, 8 bytes, __u64 unsigned
      """;

  private WireTable() {}
}
