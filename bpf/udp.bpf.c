// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * UDP, as its sockets send it and have it delivered to their queues: every datagram of the watched
 * cgroup passes one of two programs, those of other protocols leave at once. Changes nothing: each
 * program lets everything pass.
 *
 * A datagram is received when the kernel has queued it for the socket, however often it is read
 * (MSG_PEEK) and in whatever pieces. The program sees it just before; when the queue is full,
 * a tracepoint tells, on the same processor and before anything else arrives there.
 */
#include "datagram.bpf.h"
#include "udp_sockets.bpf.h"

/* What this processor saw last, until it is known whether the queue had room. */
struct udp_seen {
	__u64 sock; /* its address in the kernel; 0: nothing to take back */
	__u64 cookie;
	__u32 slot;
	__u32 is_in_flow; /* 0: it went to the sums at once */
	__u32 bytes;
	__u32 packets;
	struct sums_key sums;
};

/* udp_last_seen: one for each CPU, from udp_ingress to udp_not_queued. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct udp_seen);
} udp_last_seen SEC(".maps");

/*
 * Whether the rules exclude a flow: 1 or 0. A function of its own, so that the verifier looks at
 * its loop once.
 */
__weak __noinline int udp_rules_exclude(struct filter_subject *subject, __u64 sock, __u32 index)
{
	struct filter_set *set = bpf_map_lookup_elem(&filter_sets, &index);

	if (!subject || !set)
		return 0;
	if (set->head.needs & FILTER_NEED_CGROUP)
		subject->in_cgroup = filter_cgroups_of((struct sock *)sock, index);
	for (__u32 number = 0; number < FILTER_LIMIT_RULES; number++) {
		if (number >= set->head.rules)
			break;
		if (rule_fits(&set->rules[number], subject, number))
			return set->rules[number].verdict == FILTER_VERDICT_EXCLUDE;
	}
	return set->head.otherwise == FILTER_VERDICT_EXCLUDE;
}

/* A flow is judged when it begins, and stays what it is to its end. */
static __noinline int is_excluded(const struct datagram *datagram, __u64 sock,
				  const struct udp_owner *owner, __u32 direction)
{
	struct filter_control *control = filter_get_control();
	struct filter_subject subject = {};

	if (!control)
		return 0;
	if (datagram->is_sent ? runs_own_process(control)
			      : control->own_pid && owner->pid == control->own_pid) {
		count(KERNEL_COUNTER_OWN_CONNECTIONS_FILTERED);
		return 1;
	}
	if (!control->active_set)
		return 0;
	__builtin_memcpy(subject.local_address, datagram->key.local_address, 16);
	__builtin_memcpy(subject.remote_address, datagram->key.remote_address, 16);
	subject.netns = owner->netns;
	subject.pid = owner->pid;
	subject.port =
		bpf_ntohs(direction == CONNECTION_DIRECTION_OUTBOUND ? datagram->key.remote_port_be
								     : datagram->local_port_be);
	subject.direction = direction;
	subject.is_ipv4 = ((__u32 *)subject.remote_address)[2] == bpf_htonl(0xffff) &&
			  !((__u64 *)subject.remote_address)[0];
	subject.pid_known = ~0U;
	if (!udp_rules_exclude(&subject, sock, control->active_set - 1))
		return 0;
	count(KERNEL_COUNTER_CONNECTIONS_FILTERED);
	return 1;
}

/* Adds a datagram to its flow; false when the flow is over. */
static __always_inline bool flow_add(struct udp_flow *flow, const struct datagram *datagram)
{
	__u64 now_ns = bpf_ktime_get_coarse_ns();
	bool open;

	bpf_spin_lock(&flow->lock);
	open = !flow->over && flow->key.cookie == datagram->key.cookie;
	if (!open) {
		/* The slot may be another's by now. */
	} else if (datagram->is_sent) {
		flow->counts.bytes_sent += datagram->bytes;
		flow->counts.packets_sent += datagram->packets;
		flow->last_mono_ns = now_ns;
	} else {
		flow->counts.bytes_received += datagram->bytes;
		flow->counts.packets_received += datagram->packets;
		flow->last_mono_ns = now_ns;
	}
	bpf_spin_unlock(&flow->lock);
	return open;
}

/* Takes a slot if it is free. It is another's to see only when all of it is written. */
static __always_inline bool slot_claim(struct udp_flow *flow, const struct datagram *datagram)
{
	__u64 start_ns = bpf_ktime_get_ns();
	bool mine = false;

	if (flow->key.cookie)
		return false;
	bpf_spin_lock(&flow->lock);
	if (!flow->key.cookie) {
		mine = true;
		flow->key = datagram->key;
		flow->over = 0;
		flow->direction = 0;
		flow->excluded = 0;
		flow->has_socket = 0;
		flow->start_mono_ns = start_ns;
		flow->last_mono_ns = start_ns;
		flow->number += 1 << UDP_SLOT_BITS;
		flow->local_port_be = datagram->local_port_be;
		__builtin_memset(&flow->counts, 0, sizeof(flow->counts));
		__builtin_memset(&flow->summed, 0, sizeof(flow->summed));
	}
	bpf_spin_unlock(&flow->lock);
	return mine;
}

static __always_inline struct udp_flow *take_slot(__u32 slot, const struct datagram *datagram)
{
	struct udp_flow *flow = udp_flow_at(slot);

	if (!flow || !slot_claim(flow, datagram))
		return 0;
	flow->number = flow->number >> UDP_SLOT_BITS << UDP_SLOT_BITS | slot;
	return flow;
}

/* The flow of a first datagram; 0 when there is no room. */
static __always_inline struct udp_flow *flow_begin(const struct datagram *datagram)
{
	__u32 near_slot = datagram->key.cookie & (UDP_SLOTS_NEAR - 1), choice;
	struct udp_flow *near, *flow = take_slot(near_slot, datagram);

	if (flow)
		return flow;
	near = udp_flow_at(near_slot);
	if (!near)
		return 0;
	/* Before the claim: who finds the flow in its far slot has been told to look there. */
	__sync_fetch_and_add(&near->far_flows, 1);
	choice = udp_far_choice(&datagram->key);
	for (int i = 0; i < UDP_FAR_CHOICES; i++) {
		flow = take_slot(udp_far_slot(choice + i), datagram);
		if (flow)
			return flow;
	}
	__sync_fetch_and_add(&near->far_flows, -1);
	return 0;
}

static __always_inline struct udp_seen *last_seen(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&udp_last_seen, &zero);
}

/* Without a flow: the sums have it, no record will. */
static __noinline int add_to_sums(const struct datagram *datagram, __u64 sock, __u32 direction,
				  __u32 server_port_be)
{
	struct udp_seen *seen = last_seen();
	struct udp_counts delta = {};
	struct sums_key sums = {};

	udp_sums_key_of(&sums, &datagram->key, direction, server_port_be);
	if (datagram->is_sent) {
		delta.bytes_sent = datagram->bytes;
		delta.packets_sent = datagram->packets;
	} else {
		delta.bytes_received = datagram->bytes;
		delta.packets_received = datagram->packets;
	}
	udp_sums_add(&sums, &delta);
	if (datagram->is_sent || !seen)
		return 0;
	seen->sums = sums;
	seen->bytes = datagram->bytes;
	seen->packets = datagram->packets;
	seen->is_in_flow = 0;
	seen->sock = sock;
	return 0;
}

static __always_inline void note_seen(const struct udp_flow *flow, const struct datagram *datagram,
				      __u64 sock)
{
	struct udp_seen *seen = last_seen();

	if (!seen)
		return;
	seen->cookie = datagram->key.cookie;
	seen->slot = flow->number & ((1 << UDP_SLOT_BITS) - 1);
	seen->bytes = datagram->bytes;
	seen->packets = datagram->packets;
	seen->is_in_flow = 1;
	seen->sock = sock;
}

static __always_inline void count_many(__u32 counter, __u32 number)
{
	__u64 *value = bpf_map_lookup_elem(&kernel_counters, &counter);

	if (value)
		__sync_fetch_and_add(value, number);
}

/* The first datagram of a flow, or one that finds no room for it. */
static __noinline int on_first(const struct datagram *datagram, __u64 sock, __u32 is_connected)
{
	bool bound = is_port_bound((struct sock *)sock);
	__u8 direction = direction_of(bound, is_connected, datagram);
	__be16 server_port_be = server_port_of(bound, direction, datagram);
	struct udp_flow *flow = flow_begin(datagram);
	struct udp_owner owner = {};
	bool excluded;

	find_owner(&owner, flow, datagram, sock, is_connected && !bound);
	excluded = is_excluded(datagram, sock, &owner, direction);
	if (flow) {
		bpf_spin_lock(&flow->lock);
		flow->owner = owner;
		flow->server_port_be = server_port_be;
		flow->excluded = excluded;
		flow->direction = direction;
		bpf_spin_unlock(&flow->lock);
	}
	if (excluded)
		return 0;
	if (flow && flow_add(flow, datagram)) {
		if (!datagram->is_sent)
			note_seen(flow, datagram, sock);
		return 0;
	}
	count_many(KERNEL_COUNTER_UDP_UNTRACKED, datagram->packets);
	return add_to_sums(datagram, sock, direction, server_port_be);
}

static __always_inline void on_datagram(struct __sk_buff *ctx, bool is_sent)
{
	struct datagram datagram = {.is_sent = is_sent};
	struct bpf_sock *sk = ctx->sk;
	struct udp_flow *flow;
	__u64 sock;

	if (!sk)
		return;
	sk = bpf_sk_fullsock(sk);
	if (!sk || !is_udp(sk))
		return;
	sock = address_of((struct sock *)sk);
	if (!parse(ctx, &datagram)) {
		count(KERNEL_COUNTER_UDP_UNREADABLE);
		return;
	}
	datagram.key.cookie = bpf_get_socket_cookie(ctx);
	flow = udp_flow_find(&datagram.key);
	if (flow && flow->excluded) {
		flow->last_mono_ns = bpf_ktime_get_coarse_ns();
		return;
	}
	if (!flow || !flow_add(flow, &datagram)) {
		on_first(&datagram, sock, sk->state == CONNECTION_STATE_ESTABLISHED);
		return;
	}
	if (!is_sent)
		note_seen(flow, &datagram, sock);
}

/* The socket's queue is full: what was counted just now was not received. */
static __always_inline void on_not_queued(__u64 sock)
{
	struct udp_seen *seen = last_seen();
	struct udp_counts negative = {};
	struct udp_flow *flow;

	if (!seen || !sock || seen->sock != sock)
		return;
	seen->sock = 0;
	count_many(KERNEL_COUNTER_UDP_NOT_QUEUED, seen->packets);
	if (seen->is_in_flow) {
		flow = udp_flow_at(seen->slot);
		if (!flow)
			return;
		bpf_spin_lock(&flow->lock);
		if (!flow->over && flow->key.cookie == seen->cookie) {
			flow->counts.bytes_received -= seen->bytes;
			flow->counts.packets_received -= seen->packets;
		}
		bpf_spin_unlock(&flow->lock);
		return;
	}
	negative.bytes_received = -(__u64)seen->bytes;
	negative.packets_received = -(__u64)seen->packets;
	udp_sums_add(&seen->sums, &negative);
}

/* Return value 1: the packet goes on. */
SEC("cgroup_skb/egress")
int udp_egress(struct __sk_buff *ctx)
{
	on_datagram(ctx, true);
	return 1;
}

SEC("cgroup_skb/ingress")
int udp_ingress(struct __sk_buff *ctx)
{
	on_datagram(ctx, false);
	return 1;
}

/* Arguments: result, socket; since 6.11 (e9669a00bba7) the packet too. */
SEC("tp_btf/udp_fail_queue_rcv_skb")
int udp_not_queued(__u64 *ctx)
{
	on_not_queued(address_of((struct sock *)ctx[1]));
	return 0;
}

/* Return value 1: the socket may be bound. */
SEC("cgroup/post_bind4")
int udp_bind4(struct bpf_sock *ctx)
{
	on_bind(ctx);
	return 1;
}

SEC("cgroup/post_bind6")
int udp_bind6(struct bpf_sock *ctx)
{
	on_bind(ctx);
	return 1;
}

SEC("cgroup/sock_release")
int udp_close(struct bpf_sock *ctx)
{
	on_close(ctx);
	return 1;
}
