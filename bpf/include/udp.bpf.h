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
	__u64 cookie;		/* of the socket; 0: the slot is free */
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

/* Who has the socket. */
struct udp_owner {
	__u64 cgroup_id;
	__u32 netns;
	__u32 pid; /* of who bound it, or sent first; 0: unknown */
	char comm[16];
};

struct udp_flow {
	/*
	 * Guards the key between flows that want the same slot, and all that changes between
	 * datagrams, a live pass and close(2): over, counts, summed, last_mono_ns.
	 */
	struct bpf_spin_lock lock;
	__u8 over;	 /* 1: somebody makes its last record, and frees the slot then */
	__u8 direction;	 /* 0: what begins the flow is not done yet */
	__u8 excluded;	 /* 1: by a filter; kept so that it is judged once */
	__u8 has_socket; /* 1: udp_sockets knows its socket, and when that is closed */
	struct udp_flow_key key;
	struct udp_counts counts;
	__u64 last_mono_ns;	  /* of the last datagram, to a tick of the kernel's clock */
	struct udp_counts summed; /* what the sums hold of it */
	__u64 start_mono_ns;
	__u64 number; /* differs between the flows of a socket: how often the slot was taken, slot
		       */
	__be16 local_port_be;
	__be16 server_port_be; /* in the sums; 0: nobody chose it */
	__u32 far_flows;       /* of a near slot: flows of its cookies that have a far one */
	__u8 reserved[8];
	struct udp_owner owner;
};

struct udp_socket {
	struct udp_owner owner;
	__u64 closed_mono_ns; /* 0: it is open */
	__u64 first_number;   /* of the flow that was begun when there was no other */
	__u32 flows;	      /* now */
	__u8 reserved[4];
};

/* Pinned: another size needs another WIRE_ABI_VERSION. */
_Static_assert(sizeof(struct udp_flow) == 192, "udp_flow");
_Static_assert(sizeof(struct udp_socket) == 56, "udp_socket");

/* Low bits of a flow's number that are its slot. */
#define UDP_SLOT_BITS 21

/* Neighbouring far slots among which a flow takes the first that is free. */
#define UDP_FAR_CHOICES 4

/* Picks a far slot: their number, a power of two, less one. By user space before load. */
const volatile __u32 udp_far_mask __weak = 0;

/*
 * udp_flows: slot -> udp_flow. An array, as sockets is and for the same reason: looking up, adding
 * to and deleting from a hash cost more than all else that is done for a datagram. The first choice
 * is a near slot, by the low bits of the socket's cookie: the sockets of short exchanges use these
 * again and again, so that they stay in the processor's cache. Else a flow has one of four
 * neighbouring far ones, by the hash of its key. Taken at the first datagram; freed when the socket
 * is closed or nothing was sent or received for kernel.udp_idle_timeout. User space sets the size
 * (kernel.udp_max_flows). When all five are taken, datagrams are added to udp_sums at once, have no
 * record, and are counted as KERNEL_COUNTER_UDP_UNTRACKED.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, UDP_SLOTS_NEAR + 1);
	__type(key, __u32);
	__type(value, struct udp_flow);
} udp_flows MAP;

/*
 * udp_sockets: cookie -> udp_socket, for those whose flows cannot be told from the socket alone, as
 * can those of one that has only connected. Made at bind(2) or with the first flow, deleted at
 * close(2). As large as udp_flows; when it is full, its flows have no owner and end only by being
 * idle, and are counted as KERNEL_COUNTER_UDP_SOCKETS_UNKNOWN.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct udp_socket);
} udp_sockets MAP;

/* udp_use: enum udp_use -> number. Flows in use, by the live pass; entries of udp_sockets. */
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

static __always_inline struct udp_flow *udp_flow_at(__u32 slot)
{
	return bpf_map_lookup_elem(&udp_flows, &slot);
}

static __always_inline struct udp_flow *udp_near_slot(__u64 cookie)
{
	return udp_flow_at(cookie & (UDP_SLOTS_NEAR - 1));
}

/* The first of the far slots that a flow may have. */
static __always_inline __u32 udp_far_choice(const struct udp_flow_key *key)
{
	const __u64 *remote = (const __u64 *)key->remote_address;
	__u64 hash = key->cookie + ((remote[0] ^ remote[1]) * 0x9e3779b97f4a7c15ULL) +
		     key->remote_port_be * 0xc2b2ae3d27d4eb4fULL;

	/* Cookies come in sequence, and neighbours are the next choice. */
	hash *= 0x9e3779b97f4a7c15ULL;
	return hash >> 40;
}

static __always_inline __u32 udp_far_slot(__u32 choice)
{
	return UDP_SLOTS_NEAR + (choice & udp_far_mask);
}

static __always_inline bool udp_key_equal(const struct udp_flow_key *a,
					  const struct udp_flow_key *b)
{
	return a->cookie == b->cookie && a->remote_port_be == b->remote_port_be &&
	       address_equal(a->remote_address, b->remote_address) &&
	       address_equal(a->local_address, b->local_address);
}

/* The flow with a key, 0 when there is none. Far slots are looked at only when it may be there. */
static __always_inline struct udp_flow *udp_flow_find(const struct udp_flow_key *key)
{
	struct udp_flow *flow = udp_near_slot(key->cookie);
	__u32 choice;

	if (!flow || (udp_key_equal(&flow->key, key) && !flow->over))
		return flow;
	if (!flow->far_flows)
		return 0;
	choice = udp_far_choice(key);
	for (int i = 0; i < UDP_FAR_CHOICES; i++) {
		flow = udp_flow_at(udp_far_slot(choice + i));
		if (flow && udp_key_equal(&flow->key, key) && !flow->over)
			return flow;
	}
	return 0;
}

/* The slot of a flow that is over is free. */
static __always_inline void udp_slot_free(struct udp_flow *flow, __u64 cookie)
{
	bool is_far = (flow->number & ((1 << UDP_SLOT_BITS) - 1)) >= UDP_SLOTS_NEAR;
	struct udp_flow *near = is_far ? udp_near_slot(cookie) : 0;

	bpf_spin_lock(&flow->lock);
	flow->key.cookie = 0;
	bpf_spin_unlock(&flow->lock);
	if (near)
		__sync_fetch_and_add(&near->far_flows, -1);
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

/* What the sums have been told, not what has come since. */
static __always_inline void udp_fill_counts(struct udp_record *record, const struct udp_flow *flow)
{
	record->bytes_sent = flow->summed.bytes_sent;
	record->bytes_received = flow->summed.bytes_received;
	record->packets_sent = flow->summed.packets_sent;
	record->packets_received = flow->summed.packets_received;
}

static __always_inline void udp_fill_record(struct udp_record *record, const struct udp_flow *flow,
					    const struct udp_owner *owner)
{
	const struct udp_flow_key *key = &flow->key;

	record->socket_cookie = key->cookie;
	record->start_mono_ns = flow->start_mono_ns;
	udp_fill_counts(record, flow);
	__builtin_memcpy(record->local_address, key->local_address, 16);
	__builtin_memcpy(record->remote_address, key->remote_address, 16);
	record->flow_number = flow->number;
	record->local_port_be = flow->local_port_be;
	record->remote_port_be = key->remote_port_be;
	record->direction = flow->direction;
	record->cgroup_id = owner->cgroup_id;
	record->netns = owner->netns;
	record->pid = owner->pid;
	__builtin_memcpy(record->comm, owner->comm, sizeof(record->comm));
}

/* A socket may have got a known owner after the flow began. */
static __always_inline const struct udp_owner *udp_owner_of(const struct udp_flow *flow,
							    const struct udp_socket *socket)
{
	return socket && socket->owner.pid ? &socket->owner : &flow->owner;
}

/*
 * Ends a flow of a socket: the last addition to the sums, its record, and the slot is free. Only
 * the first who comes does. ending: enum udp_ending.
 */
static __always_inline void udp_flow_end(struct udp_flow *flow, __u64 cookie,
					 struct udp_socket *socket, __u64 end_mono_ns, __u8 ending)
{
	struct udp_counts delta = {};
	struct sums_key sums = {};
	struct udp_record *record;
	bool mine;

	bpf_spin_lock(&flow->lock);
	mine = !flow->over && flow->key.cookie == cookie;
	if (mine) {
		flow->over = 1;
		udp_settle(&delta, flow);
	}
	bpf_spin_unlock(&flow->lock);
	if (!mine)
		return;
	if (!flow->excluded) {
		udp_sums_key_of(&sums, &flow->key, flow->direction, flow->server_port_be);
		udp_sums_add(&sums, &delta);
		record = udp_record_reserve();
		if (record) {
			udp_fill_record(record, flow, udp_owner_of(flow, socket));
			record->end_mono_ns = end_mono_ns > flow->start_mono_ns
						      ? end_mono_ns
						      : flow->start_mono_ns;
			record->event = CONNECTION_EVENT_CLOSED;
			record->ending = ending;
			event_submit(record);
		}
	}
	if (flow->has_socket && socket)
		__sync_fetch_and_add(&socket->flows, -1);
	udp_slot_free(flow, cookie);
}

static __always_inline void udp_socket_forget(__u64 cookie)
{
	if (!bpf_map_delete_elem(&udp_sockets, &cookie))
		udp_use_add(UDP_USE_SOCKETS, -1);
}

#endif
