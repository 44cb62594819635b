/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All maps, and what each is for: key, value, writer, reader, size, and what happens when full. */
#ifndef MESHLENS_MAPS_BPF_H
#define MESHLENS_MAPS_BPF_H

#include "kernel.bpf.h"
#include "wire.h"

/* Every object file that includes this has its own copy; the linker makes them one. */
#define MAP SEC(".maps") __weak

/* Where a tracked socket stands. */
enum socket_phase {
	SOCKET_PHASE_NEW = 0,
	SOCKET_PHASE_DIALLING,	  /* in connect(2), no SYN yet */
	SOCKET_PHASE_CONNECTING,  /* SYN sent */
	SOCKET_PHASE_ESTABLISHED, /* until TCP_CLOSE */
	SOCKET_PHASE_OVER,	  /* its record is made; the socket may connect again */
};

/* Where a socket's state is: see sockets and sockets_overflow. */
enum socket_place {
	SOCKET_PLACE_NEAR = 0,
	SOCKET_PLACE_FAR,
	SOCKET_PLACE_STORAGE,
};

/* What a connection has carried. Cumulative. */
struct socket_counts {
	__u64 bytes_sent; /* payload, without retransmissions */
	__u64 bytes_received;
	__u64 packets_sent;
	__u64 packets_received;
	__u64 retransmits;
};

/* How well a connection went. Cumulative, by the names of connection_record. */
struct socket_quality {
	__u64 bytes_retransmitted;
	__u64 rwnd_limited_us;
	__u32 timeouts;
	__u32 reordering_events;
	__u32 segments_delivered;
	__u32 segments_lost;
	__u32 ecn_ce_segments;
	__u8 reserved[4];
};

/* What is kept for a socket from its first event to its last; never leaves the kernel. */
struct socket_state {
	/*
	 * Guards phase, summed and opened_summed between the end of the connection and a live pass
	 * on another processor, and cookie between sockets that want the same slot. All else is
	 * written under the socket's own lock.
	 */
	struct bpf_spin_lock lock;
	__u8 phase;
	__u8 direction;
	__u8 flags;
	__u8 opened_summed;   /* 1: the sums know that the connection was opened */
	__u64 cookie;	      /* of the socket; 0: the slot is free */
	__u32 far_sockets;    /* of a near slot: sockets of its own that have a far one */
	__u8 place;	      /* enum socket_place */
	__u8 unsent_excluded; /* 1: an attempt that sends nothing is not reported */
	__u8 reserved[2];
	__u64 tcp_sock; /* its address in the kernel, for the live pass */
	__u64 start_mono_ns;
	__u64 established_mono_ns;
	__u64 cgroup_id;
	__u32 netns;
	__u32 pid;
	__u16 syn_retransmits;
	__u16 timeouts;
	__u16 incarnation;
	__be16 dialled_port_be; /* 0: the dialled address is the remote one */
	char comm[16];
	__u8 dialled_address[16];
	struct socket_counts summed; /* what the sums hold of this connection */
};

/* Pinned: another size needs another WIRE_ABI_VERSION. */
_Static_assert(sizeof(struct socket_state) == 144, "socket_state");

/* What a connection had carried, and how well, when it was adopted. */
struct socket_baseline {
	struct socket_counts counts;
	struct socket_quality quality;
};

/*
 * sockets: slot -> socket_state. An array, because making and freeing socket storage costs a
 * connection more than all else that is done for it. A socket has two slots to choose from by the
 * low bits of its cookie: the first among the few near ones, which short connections use again and
 * again, so that they stay in the processor's cache; the second among the many far ones, for when
 * long connections hold the near. Cookies are handed out in sequence, so that a far slot is taken
 * only when as many sockets have been made since; then, and for adopted sockets, sockets_overflow
 * serves. A slot is freed with its connection, or by a live pass when its socket is gone. User
 * space sets the size (kernel.max_sockets).
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SOCKET_SLOTS_NEAR + 16384);
	__type(key, __u32);
	__type(value, struct socket_state);
} sockets MAP;

/*
 * sockets_overflow: socket -> socket_state, for those that have no slot. Lives and dies with the
 * socket, so it has no size of its own; max_overflow_sockets bounds it. When that many are there,
 * the connection is counted as KERNEL_COUNTER_CONNECTIONS_UNTRACKED_FULL; when the kernel refuses
 * the memory, as KERNEL_COUNTER_CONNECTIONS_UNTRACKED.
 */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct socket_state);
} sockets_overflow MAP;

/*
 * baselines: adopted socket -> socket_baseline. Written at its adoption, before its state is made;
 * lives and dies with the socket.
 */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct socket_baseline);
} baselines MAP;

/*
 * socket_use: enum socket_use -> number. How much of sockets and sockets_overflow is taken. Storage
 * goes with its socket without a word, so that the programs' own count of it drifts; a live pass
 * finds the truth, and the sidecar notes the difference. Not pinned: each start counts anew.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SOCKET_USE_COUNT);
	__type(key, __u32);
	__type(value, __s64);
} socket_use MAP;

struct listener_key {
	__u8 address[16]; /* bound to; all zero, or ::ffff:0.0.0.0, for any */
	__u32 netns;
	__u16 port;
	__u8 reserved[2];
};

struct listener {
	__u64 cookie; /* of the listening socket */
	__u32 pid;    /* 0: unknown */
	__u8 several; /* 1: a group listens here (SO_REUSEPORT), so the owner is unknown */
	__u8 closed;  /* 1: it listens no more, but connections of it may be open */
	__u8 reserved[2];
	char comm[16];
};

/*
 * listeners: where a process listens -> that process. Written at listen(2) and by adoption; the
 * owner of accepted connections that no process closed. When full, the oldest goes and such
 * connections have no owner.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct listener_key);
	__type(value, struct listener);
} listeners MAP;

/*
 * records: the ring of events to the sidecar, its one reader. User space sets the size
 * (kernel.ring_size). When full, the event is lost and counted in events_lost; of connections the
 * sums keep the numbers.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 * 1024 * 1024);
} records MAP;

/* events_enabled: enum record_kind -> 1 while somebody takes such events. By the sidecar. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RECORD_KIND_LIMIT);
	__type(key, __u32);
	__type(value, __u32);
} events_enabled MAP;

/* events_lost: enum record_kind -> events lost because the ring was full, for each CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RECORD_KIND_LIMIT);
	__type(key, __u32);
	__type(value, __u64);
} events_lost MAP;

/*
 * sums: sums_key -> sums_value for each CPU. Written at the end of a connection and by the live
 * pass, read in batches by the sidecar. User space sets the size (kernel.max_address_pairs). When
 * full, additions go to sums_overflow, so that totals stay true.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct sums_key);
	__type(value, struct sums_value);
} sums MAP;

/* sums_overflow: direction - 1 -> sums_value for each CPU; what found no place in sums. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct sums_value);
} sums_overflow MAP;

/* kernel_counters: enum kernel_counter -> count for each CPU. Read by the sidecar. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, KERNEL_COUNTER_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} kernel_counters MAP;

/*
 * filter_control: its one value. Read for every connection; written by the sidecar, when it has
 * written the set that is to be in force, and by note_own_process.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct filter_control);
} filter_control MAP;

struct filter_set {
	struct filter_head head;
	struct filter_rule rules[FILTER_LIMIT_RULES];
};

/*
 * filter_sets: the rules in force, and those before or after them. The sidecar writes the one that
 * is not in force, then filter_control: every connection is judged by one set as a whole. Not
 * pinned: each start has rules of its own, and the programs keep theirs for as long as they run.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FILTER_LIMIT_SETS);
	__type(key, __u32);
	__type(value, struct filter_set);
} filter_sets MAP;

/* filter_cgroups: cgroup and set -> a bit for each rule that wants it. Written before its set. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FILTER_LIMIT_SETS *FILTER_LIMIT_RULES);
	__type(key, struct filter_cgroup);
	__type(value, __u64);
} filter_cgroups MAP;

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
