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
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "udp.bpf.h"

/* include/net/sock.h: the process has named the port that it is bound to. */
#define SOCK_BINDPORT_LOCK 8

/* net.ipv4.ip_local_port_range, by user space before load: ports that the kernel gives out. */
const volatile __u16 ephemeral_first = 32768;
const volatile __u16 ephemeral_last = 60999;

/* One datagram, or several in one large send or receive (UDP_SEGMENT, UDP_GRO). */
struct datagram {
	struct udp_flow_key key;
	__be16 local_port_be;
	__u16 reserved;
	__u32 bytes;
	__u32 packets;
	__u32 is_sent;
};

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

static __always_inline bool is_udp(struct bpf_sock *sk)
{
	return sk->protocol == IPPROTO_UDP && sk->type == SOCK_DGRAM;
}

/* Addresses and ports as this end sees them. */
static __always_inline void set_ports(struct datagram *datagram, __be16 source, __be16 dest)
{
	datagram->local_port_be = datagram->is_sent ? source : dest;
	datagram->key.remote_port_be = datagram->is_sent ? dest : source;
}

/* Behind extension headers the UDP header is where the kernel says. */
static __always_inline __u32 transport_offset(struct __sk_buff *ctx)
{
	struct sk_buff *skb = (void *)ctx;

	return (__u16)(BPF_CORE_READ(skb, transport_header) - BPF_CORE_READ(skb, network_header));
}

static __always_inline __u32 parse_ipv4(struct __sk_buff *ctx, struct datagram *datagram)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data;
	struct udphdr *udp;
	__u32 length;

	if ((void *)(ip + 1) > end)
		return 0;
	length = (*(__u8 *)data & 15) * 4;
	udp = data + length;
	if ((void *)(udp + 1) > end)
		return 0;
	map_ipv4(datagram->is_sent ? datagram->key.local_address : datagram->key.remote_address,
		 ip->saddr);
	map_ipv4(datagram->is_sent ? datagram->key.remote_address : datagram->key.local_address,
		 ip->daddr);
	set_ports(datagram, udp->source, udp->dest);
	return length;
}

static __always_inline __u32 parse_ipv6(struct __sk_buff *ctx, struct datagram *datagram)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ipv6hdr *ip = data;
	__u32 length = sizeof(*ip);
	__be16 ports[2];

	if ((void *)(ip + 1) > end)
		return 0;
	__builtin_memcpy(datagram->is_sent ? datagram->key.local_address
					   : datagram->key.remote_address,
			 &ip->saddr, 16);
	__builtin_memcpy(datagram->is_sent ? datagram->key.remote_address
					   : datagram->key.local_address,
			 &ip->daddr, 16);
	if (ip->nexthdr != IPPROTO_UDP)
		length = transport_offset(ctx);
	if (bpf_skb_load_bytes(ctx, length, ports, sizeof(ports)))
		return 0;
	set_ports(datagram, ports[0], ports[1]);
	return length;
}

/* False when it cannot be read. */
static __always_inline bool parse(struct __sk_buff *ctx, struct datagram *datagram)
{
	__u32 headers, segment = ctx->gso_size;

	headers = ctx->protocol == bpf_htons(ETH_P_IP) ? parse_ipv4(ctx, datagram)
						       : parse_ipv6(ctx, datagram);
	if (!headers || ctx->len < headers + sizeof(struct udphdr))
		return false;
	datagram->bytes = ctx->len - headers - sizeof(struct udphdr);
	datagram->packets = 1;
	if (segment && datagram->bytes > segment)
		datagram->packets = (datagram->bytes + segment - 1) / segment;
	return true;
}

static __always_inline bool is_ephemeral(__be16 port_be)
{
	__u16 port = bpf_ntohs(port_be);

	return port >= ephemeral_first && port <= ephemeral_last;
}

/*
 * Who is the client. A socket that connected and did not choose its port; else who sent first,
 * unless the ports say that this was an answer.
 */
static __always_inline __u8 direction_of(bool is_port_bound, bool is_connected,
					 const struct datagram *datagram)
{
	bool local = is_ephemeral(datagram->local_port_be);
	bool remote = is_ephemeral(datagram->key.remote_port_be);

	if (is_connected && !is_port_bound)
		return CONNECTION_DIRECTION_OUTBOUND;
	if (datagram->is_sent)
		return is_port_bound && !local && remote ? CONNECTION_DIRECTION_INBOUND
							 : CONNECTION_DIRECTION_OUTBOUND;
	return !is_port_bound && local && !remote ? CONNECTION_DIRECTION_OUTBOUND
						  : CONNECTION_DIRECTION_INBOUND;
}

/* The port that somebody chose to serve at, 0 when it is one that a kernel gave out. */
static __always_inline __be16 server_port_of(bool is_port_bound, __u8 direction,
					     const struct datagram *datagram)
{
	if (direction == CONNECTION_DIRECTION_OUTBOUND)
		return is_ephemeral(datagram->key.remote_port_be) ? 0
								  : datagram->key.remote_port_be;
	return is_port_bound || !is_ephemeral(datagram->local_port_be) ? datagram->local_port_be
								       : 0;
}

static __always_inline bool is_port_bound(struct sock *sk)
{
	return BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks) & SOCK_BINDPORT_LOCK;
}

static __always_inline void note_socket(struct udp_owner *owner, struct sock *sk)
{
	owner->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	owner->cgroup_id = BPF_CORE_READ(sock_cgroup_probed(sk), kn, id);
}

static __always_inline void note_process(struct udp_owner *owner)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	if (task->flags & PF_KTHREAD)
		return;
	owner->pid = task->tgid;
	__builtin_memcpy(owner->comm, task->comm, sizeof(owner->comm));
}

/* What is known of a socket, made when there is nothing; 0 when there is no room. */
static __noinline struct udp_socket *socket_of(__u64 cookie, __u64 address, __u32 is_its_process)
{
	struct udp_socket *known = bpf_map_lookup_elem(&udp_sockets, &cookie);
	struct sock *sk = (struct sock *)address;
	struct udp_socket socket = {};

	if (known) {
		if (is_its_process && !known->owner.pid)
			note_process(&known->owner);
		return known;
	}
	note_socket(&socket.owner, sk);
	if (is_its_process)
		note_process(&socket.owner);
	if (!bpf_map_update_elem(&udp_sockets, &cookie, &socket, BPF_NOEXIST))
		udp_use_add(UDP_USE_SOCKETS, 1);
	return bpf_map_lookup_elem(&udp_sockets, &cookie);
}

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

/*
 * Who is the owner of a flow that begins. A socket that has only connected is told from its flow at
 * close(2); of all others udp_sockets has to know.
 */
static __always_inline void find_owner(struct udp_owner *owner, struct udp_flow *flow,
				       const struct datagram *datagram, __u64 sock,
				       bool only_connected)
{
	struct udp_socket *socket;

	if (only_connected) {
		note_socket(owner, (struct sock *)sock);
		if (datagram->is_sent)
			note_process(owner);
		return;
	}
	socket = socket_of(datagram->key.cookie, sock, datagram->is_sent);
	if (!socket) {
		note_socket(owner, (struct sock *)sock);
		count(KERNEL_COUNTER_UDP_SOCKETS_UNKNOWN);
		return;
	}
	*owner = socket->owner;
	if (!flow)
		return;
	flow->has_socket = 1;
	if (!socket->flows)
		socket->first_number = flow->number;
	__sync_fetch_and_add(&socket->flows, 1);
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

static __always_inline void on_bind(struct bpf_sock *ctx)
{
	if (is_udp(ctx))
		socket_of(bpf_get_socket_cookie(ctx), address_of((struct sock *)ctx), 1);
}

/* The flow of a socket that connected, as its datagrams had it. */
static __always_inline void connected_key(struct udp_flow_key *key, struct sock *sk)
{
	key->remote_port_be = BPF_CORE_READ(sk, __sk_common.skc_dport);
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET) {
		map_ipv4(key->local_address, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		map_ipv4(key->remote_address, BPF_CORE_READ(sk, __sk_common.skc_daddr));
		return;
	}
	BPF_CORE_READ_INTO((struct kernel_in6_addr *)key->local_address, sk,
			   __sk_common.skc_v6_rcv_saddr);
	BPF_CORE_READ_INTO((struct kernel_in6_addr *)key->remote_address, sk,
			   __sk_common.skc_v6_daddr);
}

/* The flow of a socket that only connected: its peer is the socket's, unless it connected again. */
static __always_inline void end_connected(struct sock *sk, __u64 cookie, __u64 now_ns)
{
	struct udp_flow_key key = {.cookie = cookie};
	struct udp_flow *flow;

	if (BPF_CORE_READ(sk, __sk_common.skc_state) != CONNECTION_STATE_ESTABLISHED)
		return;
	connected_key(&key, sk);
	flow = udp_flow_find(&key);
	if (flow && !flow->has_socket)
		udp_flow_end(flow, cookie, 0, now_ns, UDP_ENDING_CLOSED);
}

/*
 * close(2) of the last descriptor, by a process. A socket of one flow, as most are, ends it here;
 * those of more are left to the next live pass.
 */
static __always_inline void on_close(struct bpf_sock *ctx)
{
	struct udp_socket *socket;
	struct udp_flow *flow;
	__u64 cookie, now_ns;

	if (!is_udp(ctx))
		return;
	now_ns = bpf_ktime_get_ns();
	cookie = bpf_get_socket_cookie(ctx);
	end_connected((struct sock *)address_of((struct sock *)ctx), cookie, now_ns);
	socket = bpf_map_lookup_elem(&udp_sockets, &cookie);
	if (!socket)
		return;
	if (!socket->owner.pid)
		note_process(&socket->owner);
	socket->closed_mono_ns = now_ns;
	if (socket->flows == 1) {
		flow = udp_flow_at(socket->first_number & ((1 << UDP_SLOT_BITS) - 1));
		if (flow)
			udp_flow_end(flow, cookie, socket, now_ns, UDP_ENDING_CLOSED);
	}
	if (!socket->flows)
		udp_socket_forget(cookie);
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
