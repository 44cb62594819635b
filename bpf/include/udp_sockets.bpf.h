/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* UDP sockets: who owns them, from bind(2) to what close(2) ends. */
#ifndef MESHLENS_UDP_SOCKETS_BPF_H
#define MESHLENS_UDP_SOCKETS_BPF_H

#include "datagram.bpf.h"

/* include/net/sock.h: the process has named the port that it is bound to. */
#define SOCK_BINDPORT_LOCK 8

static __always_inline bool is_udp(struct bpf_sock *sk)
{
	return sk->protocol == IPPROTO_UDP && sk->type == SOCK_DGRAM;
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

#endif
