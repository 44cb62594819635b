/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * UDP: what is kept of sockets and of their flows, and how a flow ends. A flow is what one socket
 * exchanges with one peer. Nothing of this is loaded unless UDP is watched; then the maps have one
 * entry each.
 */
#ifndef MESHLENS_UDP_BPF_H
#define MESHLENS_UDP_BPF_H

#include "emit.bpf.h"
#include "filter.bpf.h"

struct udp_flow_key {
	__u64 cookie;	       /* of the socket */
	__u8 local_address[16]; /* as in the packet: a group, when it was sent to one */
	__u8 remote_address[16];
	__be16 remote_port_be;
	__u8 reserved[6];
};

/* Cumulative. Payload and datagrams; one datagram for each segment of a large send. */
struct udp_counts {
	__u64 bytes_sent;
	__u64 bytes_received;
	__u64 packets_sent;
	__u64 packets_received;
};

struct udp_flow {
	/* Guards all that changes: over, counts, summed, last_mono_ns. */
	struct bpf_spin_lock lock;
	__u8 over; /* 1: somebody makes its last record, and deletes it then */
	__u8 direction;
	__u8 excluded; /* 1: by a filter; kept so that it is judged once */
	__u8 reserved;
	struct udp_counts counts;
	struct udp_counts summed; /* what the sums hold of it */
	__u64 start_mono_ns;
	__u64 last_mono_ns; /* of the last datagram, to a tick of the kernel's clock */
	__u32 number;	    /* of the socket's flows, in the order of their beginning */
	__be16 local_port_be;
	__be16 server_port_be; /* in the sums; 0: nobody chose it */
};

struct udp_socket {
	__u64 cgroup_id;
	__u64 closed_mono_ns; /* 0: it is open */
	__u32 netns;
	__u32 pid; /* of who bound it, or sent first; 0: unknown */
	char comm[16];
	__u32 flows;	   /* now */
	__u32 flows_begun; /* ever */
	__u8 is_port_bound; /* 1: to a port that the process chose */
	__u8 reserved[7];
	struct udp_flow_key first; /* the flow that was begun when there was no other */
};

/* Pinned: another size needs another WIRE_ABI_VERSION. */
_Static_assert(sizeof(struct udp_flow_key) == 48, "udp_flow_key");
_Static_assert(sizeof(struct udp_flow) == 96, "udp_flow");
_Static_assert(sizeof(struct udp_socket) == 104, "udp_socket");

/*
 * udp_flows: udp_flow_key -> udp_flow. Made at the first datagram; deleted when the socket is
 * closed or nothing was sent or received for kernel.udp_idle_timeout. User space sets the size
 * (kernel.udp_max_flows). When full, datagrams are added to udp_sums at once, have no record, and
 * are counted as KERNEL_COUNTER_UDP_UNTRACKED_FULL.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct udp_flow_key);
	__type(value, struct udp_flow);
} udp_flows MAP;

/*
 * udp_sockets: cookie -> udp_socket. Made at bind(2) or with the first flow, deleted at close(2).
 * As large as udp_flows, and the same happens when it is full.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct udp_socket);
} udp_sockets MAP;

/* udp_use: enum udp_use -> number of entries in udp_flows and udp_sockets. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, UDP_USE_COUNT);
	__type(key, __u32);
	__type(value, __s64);
} udp_use MAP;

/*
 * udp_sums, udp_sums_overflow: as sums and sums_overflow; of their values only bytes and packets
 * are used.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1);
	__type(key, struct sums_key);
	__type(value, struct sums_value);
} udp_sums MAP;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct sums_value);
} udp_sums_overflow MAP;

static __always_inline void udp_use_add(__u32 index, __s64 number)
{
	__s64 *used = bpf_map_lookup_elem(&udp_use, &index);

	if (used)
		__sync_fetch_and_add(used, number);
}

static __always_inline struct sums_value *udp_sums_row(const struct sums_key *key)
{
	struct sums_value *row = bpf_map_lookup_elem(&udp_sums, key);
	__u32 overflow = key->direction - 1;

	if (row)
		return row;

	struct sums_value zero = {};

	bpf_map_update_elem(&udp_sums, key, &zero, BPF_NOEXIST);
	row = bpf_map_lookup_elem(&udp_sums, key);
	if (row)
		return row;
	count(KERNEL_COUNTER_SUMS_FOLDED);
	return bpf_map_lookup_elem(&udp_sums_overflow, &overflow);
}

static __always_inline void udp_sums_add(const struct sums_key *key, const struct udp_counts *delta)
{
	struct sums_value *row;

	if (!(delta->bytes_sent | delta->bytes_received | delta->packets_sent |
	      delta->packets_received))
		return;
	row = udp_sums_row(key);
	if (!row)
		return;
	if (delta->packets_sent) {
		__sync_fetch_and_add(&row->bytes_sent, delta->bytes_sent);
		__sync_fetch_and_add(&row->packets_sent, delta->packets_sent);
	}
	if (delta->packets_received) {
		__sync_fetch_and_add(&row->bytes_received, delta->bytes_received);
		__sync_fetch_and_add(&row->packets_received, delta->packets_received);
	}
}

static __always_inline void udp_sums_key_of(struct sums_key *sums, const struct udp_flow_key *key,
					    __u8 direction, __be16 server_port_be)
{
	bool outbound = direction == CONNECTION_DIRECTION_OUTBOUND;

	__builtin_memcpy(sums->client_address, outbound ? key->local_address : key->remote_address,
			 16);
	__builtin_memcpy(sums->server_address, outbound ? key->remote_address : key->local_address,
			 16);
	sums->server_port_be = server_port_be;
	sums->direction = direction;
}

/* Moves to delta what the sums lack. With the flow's lock. A datagram that is just being taken back
 * (udp_not_queued) may have been summed: never less than nothing. */
static __always_inline void udp_settle(struct udp_counts *delta, struct udp_flow *flow)
{
	if (flow->counts.packets_sent > flow->summed.packets_sent) {
		delta->packets_sent = flow->counts.packets_sent - flow->summed.packets_sent;
		delta->bytes_sent = flow->counts.bytes_sent - flow->summed.bytes_sent;
		flow->summed.packets_sent = flow->counts.packets_sent;
		flow->summed.bytes_sent = flow->counts.bytes_sent;
	}
	if (flow->counts.packets_received > flow->summed.packets_received) {
		delta->packets_received =
			flow->counts.packets_received - flow->summed.packets_received;
		delta->bytes_received = flow->counts.bytes_received - flow->summed.bytes_received;
		flow->summed.packets_received = flow->counts.packets_received;
		flow->summed.bytes_received = flow->counts.bytes_received;
	}
}

static __always_inline void udp_fill_record(struct udp_record *record,
					    const struct udp_flow_key *key,
					    const struct udp_flow *flow,
					    const struct udp_socket *socket)
{
	record->socket_cookie = key->cookie;
	record->start_mono_ns = flow->start_mono_ns;
	record->bytes_sent = flow->counts.bytes_sent;
	record->bytes_received = flow->counts.bytes_received;
	record->packets_sent = flow->counts.packets_sent;
	record->packets_received = flow->counts.packets_received;
	__builtin_memcpy(record->local_address, key->local_address, 16);
	__builtin_memcpy(record->remote_address, key->remote_address, 16);
	record->flow_number = flow->number;
	record->local_port_be = flow->local_port_be;
	record->remote_port_be = key->remote_port_be;
	record->direction = flow->direction;
	if (!socket)
		return;
	record->cgroup_id = socket->cgroup_id;
	record->netns = socket->netns;
	record->pid = socket->pid;
	__builtin_memcpy(record->comm, socket->comm, sizeof(record->comm));
}

/*
 * Ends a flow: the last addition to the sums, and its record. Only the first who comes does.
 * ending: enum udp_ending.
 */
static __always_inline void udp_flow_end(const struct udp_flow_key *key, struct udp_flow *flow,
					 struct udp_socket *socket, __u64 end_mono_ns, __u8 ending)
{
	struct udp_counts delta = {};
	struct sums_key sums = {};
	struct udp_record *record;
	bool mine;

	bpf_spin_lock(&flow->lock);
	mine = !flow->over;
	flow->over = 1;
	if (mine)
		udp_settle(&delta, flow);
	bpf_spin_unlock(&flow->lock);
	if (!mine)
		return;
	if (!flow->excluded) {
		udp_sums_key_of(&sums, key, flow->direction, flow->server_port_be);
		udp_sums_add(&sums, &delta);
		record = udp_record_reserve();
		if (record) {
			udp_fill_record(record, key, flow, socket);
			record->end_mono_ns = end_mono_ns > flow->start_mono_ns
						      ? end_mono_ns
						      : flow->start_mono_ns;
			record->event = CONNECTION_EVENT_CLOSED;
			record->ending = ending;
			event_submit(record);
		}
	}
	if (!bpf_map_delete_elem(&udp_flows, key)) {
		udp_use_add(UDP_USE_FLOWS, -1);
		if (socket)
			__sync_fetch_and_add(&socket->flows, -1);
	}
}

static __always_inline void udp_socket_forget(__u64 cookie)
{
	if (!bpf_map_delete_elem(&udp_sockets, &cookie))
		udp_use_add(UDP_USE_SOCKETS, -1);
}

#endif
