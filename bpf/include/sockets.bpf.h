/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the state of a socket is kept: found, made, given back. And who owns the socket. */
#ifndef MESHLENS_SOCKETS_BPF_H
#define MESHLENS_SOCKETS_BPF_H

#include "compat.bpf.h"
#include "maps.bpf.h"

/* Picks a far slot: their number, a power of two, less one. By user space before load. */
const volatile __u32 far_slot_mask __weak = 16383;

/* How many sockets may have their state in sockets_overflow; by user space before load. */
const volatile __u32 max_overflow_sockets __weak = 0xffffffff;

/* The socket's cookie; 0 when nobody has asked for it before, and then it has no state either. */
static __always_inline __u64 socket_cookie_known(struct tcp_sock *tcp)
{
	return tcp->inet_conn.icsk_inet.sk.__sk_common.skc_cookie.counter;
}

/* The socket's cookie, made when there is none. */
static __always_inline __u64 socket_cookie(void *ctx, struct tcp_sock *tcp)
{
	__u64 cookie = socket_cookie_known(tcp);

	return cookie ? cookie : bpf_get_socket_cookie(ctx);
}

static __always_inline struct socket_state *near_slot(__u64 cookie)
{
	__u32 slot = cookie & (SOCKET_SLOTS_NEAR - 1);

	return bpf_map_lookup_elem(&sockets, &slot);
}

static __always_inline struct socket_state *far_slot(__u64 cookie)
{
	__u32 slot = SOCKET_SLOTS_NEAR + (cookie & far_slot_mask);

	return bpf_map_lookup_elem(&sockets, &slot);
}

/* The slot that a socket has, 0 when it has none. A far one is looked at only when it may be. */
static __always_inline struct socket_state *socket_in_slot(__u64 cookie)
{
	struct socket_state *near = near_slot(cookie), *far;

	if (!near || near->cookie == cookie)
		return near;
	if (!near->far_sockets)
		return 0;
	far = far_slot(cookie);
	return far && far->cookie == cookie ? far : 0;
}

/* The state of a socket, 0 when it has none. tcp is sk as the kernel knows it. */
static __always_inline struct socket_state *socket_find(struct bpf_sock *sk, struct tcp_sock *tcp)
{
	__u64 cookie = socket_cookie_known(tcp);
	struct socket_state *state;

	if (!cookie)
		return 0;
	state = socket_in_slot(cookie);
	if (state || !tcp->inet_conn.icsk_inet.sk.sk_bpf_storage)
		return state;
	return bpf_sk_storage_get(&sockets_overflow, sk, 0, 0);
}

/* Takes a slot if it is free: phase NEW. */
static __always_inline bool socket_claim(struct socket_state *state, struct tcp_sock *tcp,
					 __u64 cookie)
{
	bool mine = false;

	if (state->cookie)
		return false;
	bpf_spin_lock(&state->lock);
	if (!state->cookie) {
		state->cookie = cookie;
		state->tcp_sock = (__u64)tcp;
		state->phase = SOCKET_PHASE_NEW;
		mine = true;
	}
	bpf_spin_unlock(&state->lock);
	if (mine)
		state->incarnation = 0;
	return mine;
}

/* A free slot for a socket: phase NEW; 0 when both are taken. */
static __always_inline struct socket_state *slot_take(struct tcp_sock *tcp, __u64 cookie)
{
	struct socket_state *near = near_slot(cookie), *far;

	if (!near || socket_claim(near, tcp, cookie))
		return near;
	far = far_slot(cookie);
	if (!far || far->cookie)
		return 0;
	/* Before the claim: who finds the socket in its far slot has been told to look there. */
	__sync_fetch_and_add(&near->far_sockets, 1);
	if (socket_claim(far, tcp, cookie)) {
		far->place = SOCKET_PLACE_FAR;
		return far;
	}
	__sync_fetch_and_add(&near->far_sockets, -1);
	return 0;
}

/* The socket needs its state no more. A slot is free again; storage goes with its socket. */
static __always_inline void socket_release(struct socket_state *state)
{
	struct socket_state *near;

	if (state->place == SOCKET_PLACE_STORAGE)
		return;
	near = state->place == SOCKET_PLACE_FAR ? near_slot(state->cookie) : 0;
	state->cookie = 0;
	if (near)
		__sync_fetch_and_add(&near->far_sockets, -1);
}

/* New storage. The address first: a pass believes what has a cookie. */
static __always_inline void storage_begin(struct socket_state *state, struct tcp_sock *tcp,
					  __u64 cookie)
{
	state->place = SOCKET_PLACE_STORAGE;
	state->tcp_sock = (__u64)tcp;
	bpf_spin_lock(&state->lock);
	state->cookie = cookie;
	bpf_spin_unlock(&state->lock);
}

static __always_inline __s64 *socket_use_of(__u32 index)
{
	return bpf_map_lookup_elem(&socket_use, &index);
}

/* One more in sockets_overflow, or one less. Only sockets without a slot come here. */
static __always_inline void overflow_add(__s64 number)
{
	__s64 *used = socket_use_of(SOCKET_USE_OVERFLOW);

	if (used)
		__sync_fetch_and_add(used, number);
}

/* Near enough: two processors may both take the last place. */
static __always_inline bool overflow_has_room(void)
{
	__s64 *used = socket_use_of(SOCKET_USE_OVERFLOW);
	__s64 *stale = socket_use_of(SOCKET_USE_OVERFLOW_STALE);

	return used && stale && *used - *stale < (__s64)max_overflow_sockets;
}

/* A connection that no state could be made for; called once for each. */
static __always_inline void count_untracked(void)
{
	count(overflow_has_room() ? KERNEL_COUNTER_CONNECTIONS_UNTRACKED
				  : KERNEL_COUNTER_CONNECTIONS_UNTRACKED_FULL);
}

/* New storage: phase NEW; 0 when there is no room or no memory. */
static __always_inline struct socket_state *storage_make(void *sk, struct tcp_sock *tcp,
							 __u64 cookie)
{
	struct socket_state *state;

	if (!overflow_has_room())
		return 0;
	state = bpf_sk_storage_get(&sockets_overflow, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!state)
		return 0;
	overflow_add(1);
	storage_begin(state, tcp, cookie);
	return state;
}

/*
 * New state for a socket that has none: phase NEW; 0 when it cannot be. A live pass that
 * finds the cookie in a slot finds the socket's address and phase with it.
 */
static __always_inline struct socket_state *socket_new(struct bpf_sock *sk, struct tcp_sock *tcp,
						       __u64 cookie)
{
	struct socket_state *state = slot_take(tcp, cookie);

	if (state)
		return state;
	return storage_make(sk, tcp, cookie);
}

/* The state of a socket, made when there is none. */
static __always_inline struct socket_state *socket_make(void *ctx, struct bpf_sock *sk,
							struct tcp_sock *tcp)
{
	struct socket_state *state = socket_find(sk, tcp);

	return state ? state : socket_new(sk, tcp, socket_cookie(ctx, tcp));
}

/* A connection begins on this socket. */
static __always_inline void socket_begin(struct socket_state *state, struct tcp_sock *tcp,
					 __u8 direction)
{
	struct sock *sk = &tcp->inet_conn.icsk_inet.sk;

	if (state->phase == SOCKET_PHASE_OVER) {
		state->incarnation++;
		if (state->place == SOCKET_PLACE_STORAGE)
			overflow_add(1);
	}
	state->start_mono_ns = bpf_ktime_get_ns();
	state->established_mono_ns = 0;
	state->cgroup_id = sock_cgroup_id(sk);
	state->netns = sk->__sk_common.skc_net.net->ns.inum;
	state->pid = 0;
	state->comm[0] = 0;
	state->syn_retransmits = 0;
	state->timeouts = 0;
	state->dialled_port_be = 0;
	state->direction = direction;
	state->flags = 0;
	state->opened_summed = 0;
	__builtin_memset(&state->summed, 0, sizeof(state->summed));
}

/*
 * All that was written to the state is visible to a live pass before this phase is. x86 keeps the
 * order of stores by itself; elsewhere the lock does.
 */
static __always_inline void socket_establish(struct socket_state *state)
{
#ifdef __TARGET_ARCH_x86
	barrier();
	*(volatile __u8 *)&state->phase = SOCKET_PHASE_ESTABLISHED;
#else
	bpf_spin_lock(&state->lock);
	state->phase = SOCKET_PHASE_ESTABLISHED;
	bpf_spin_unlock(&state->lock);
#endif
}

/* The process that runs now, 0 when the kernel works for itself. */
static __always_inline __u32 running_pid(void)
{
	struct task_struct *task;

	if (has_typed_task()) {
		task = (void *)bpf_get_current_task_btf();
		return task->flags & PF_KTHREAD ? 0 : task->tgid;
	}
	task = (void *)bpf_get_current_task();
	return BPF_CORE_READ(task, flags) & PF_KTHREAD ? 0 : BPF_CORE_READ(task, tgid);
}

/* The process that runs now, unless the kernel works for itself. */
static __always_inline void socket_note_owner(struct socket_state *state)
{
	struct task_struct *task;

	if (has_typed_task()) {
		task = (void *)bpf_get_current_task_btf();
		if (task->flags & PF_KTHREAD)
			return;
		state->pid = task->tgid;
		__builtin_memcpy(state->comm, task->comm, sizeof(state->comm));
		return;
	}
	task = (void *)bpf_get_current_task();
	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		return;
	state->pid = BPF_CORE_READ(task, tgid);
	BPF_CORE_READ_STR_INTO(&state->comm, task, comm);
}

static __always_inline bool address_equal(const __u8 *a, const __u8 *b)
{
	return ((__u64 *)a)[0] == ((__u64 *)b)[0] && ((__u64 *)a)[1] == ((__u64 *)b)[1];
}

/* ::, or 0.0.0.0 as IPv4-mapped. */
static __always_inline bool is_any_address(const __u8 *address)
{
	__u32 last = ((__u32 *)address)[3], mapped = ((__u32 *)address)[2];

	return !((__u64 *)address)[0] && !last && (!mapped || mapped == bpf_htonl(0xffff));
}

/* IPv4 addresses become IPv4-mapped ones, ::ffff:a.b.c.d (RFC 4291, 2.5.5.2). */
static __always_inline void map_ipv4(__u8 *address, __be32 ipv4)
{
	__builtin_memset(address, 0, 10);
	address[10] = 0xff;
	address[11] = 0xff;
	__builtin_memcpy(address + 12, &ipv4, 4);
}

static __always_inline void socket_addresses(struct sock *sk, __u8 *local, __u8 *remote)
{
	if (sk->__sk_common.skc_family == AF_INET) {
		map_ipv4(local, sk->__sk_common.skc_rcv_saddr);
		map_ipv4(remote, sk->__sk_common.skc_daddr);
	} else {
		BPF_CORE_READ_INTO((struct kernel_in6_addr *)local, sk,
				   __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO((struct kernel_in6_addr *)remote, sk, __sk_common.skc_v6_daddr);
	}
}

#endif
