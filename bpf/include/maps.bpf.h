/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All maps, and what each is for: key, value, writer, reader, size, and what happens when full. */
#ifndef MESHLENS_MAPS_BPF_H
#define MESHLENS_MAPS_BPF_H

#include "kernel.bpf.h"
#include "wire.h"

/* Where a tracked socket stands. */
enum socket_phase {
	SOCKET_PHASE_NEW = 0,
	SOCKET_PHASE_LISTENING,
	SOCKET_PHASE_CONNECTING,
	SOCKET_PHASE_ESTABLISHED,
	SOCKET_PHASE_OVER,
};

/* What is kept for a socket from its first event to its last; never leaves the kernel. */
struct socket_state {
	__u64 start_mono_ns;
	__u64 established_mono_ns;
	__u32 pid;
	__u32 syn_retransmits;
	__u16 incarnation;
	__u8 direction;
	__u8 phase;
	__u8 reserved[4];
	char comm[16];
};

/*
 * sockets: socket -> socket_state. Written and read by the sock_ops program; lives and dies with
 * the socket, so it has no size of its own. A listener's entry holds its owner and is cloned by the
 * kernel into every accepted socket. When the kernel refuses the memory, the connection is counted
 * as KERNEL_COUNTER_CONNECTIONS_UNTRACKED.
 */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct socket_state);
} sockets SEC(".maps");

/*
 * records: the ring of connection records to the sidecar, its one reader. User space sets the size
 * (kernel.ring_size). When full, the record is lost and counted as
 * KERNEL_COUNTER_RECORDS_LOST_RING_FULL; the sums keep its numbers.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 * 1024 * 1024);
} records SEC(".maps");

/*
 * sums: sums_key -> sums_value for each CPU. Written by the sock_ops program, read in batches by
 * the sidecar. User space sets the size (kernel.max_address_pairs). When full, additions go to
 * sums_overflow, so that totals stay true.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct sums_key);
	__type(value, struct sums_value);
} sums SEC(".maps");

/* sums_overflow: direction - 1 -> sums_value for each CPU; what found no place in sums. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct sums_value);
} sums_overflow SEC(".maps");

/* kernel_counters: enum kernel_counter -> count for each CPU. Read by the sidecar. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, KERNEL_COUNTER_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} kernel_counters SEC(".maps");

/*
 * Counts one event. Atomic, because a softirq may run the same program on this CPU between the load
 * and the store of an unlocked addition.
 */
static __always_inline void count(__u32 counter)
{
	__u64 *value = bpf_map_lookup_elem(&kernel_counters, &counter);

	if (value)
		__sync_fetch_and_add(value, 1);
}

#endif
