/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who listens where: the owner of connections that no process gets to close. */
#ifndef MESHLENS_LISTENERS_BPF_H
#define MESHLENS_LISTENERS_BPF_H

#include "sockets.bpf.h"

static __always_inline void listener_key_of(struct listener_key *key, struct sock *sk)
{
	__u8 unused[16];

	key->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	key->port = sk->__sk_common.skc_num;
	socket_addresses(sk, key->address, unused);
	/* 0.0.0.0 is any address, as :: is. */
	if (sk->__sk_common.skc_family == AF_INET && !sk->__sk_common.skc_rcv_saddr)
		__builtin_memset(key->address, 0, sizeof(key->address));
}

/* The listener that a connection to this address came to, 0 when none is known. */
static __always_inline struct listener *listener_find(__u32 netns, const __u8 *address, __u16 port)
{
	struct listener_key key = {.netns = netns, .port = port};
	struct listener *listener;

	__builtin_memcpy(key.address, address, sizeof(key.address));
	listener = bpf_map_lookup_elem(&listeners, &key);
	if (listener)
		return listener;
	__builtin_memset(key.address, 0, sizeof(key.address));
	return bpf_map_lookup_elem(&listeners, &key);
}

static __always_inline bool listener_known(struct sock *sk, __u64 cookie)
{
	struct listener_key key = {};
	struct listener *listener;

	listener_key_of(&key, sk);
	listener = bpf_map_lookup_elem(&listeners, &key);
	return listener && listener->cookie == cookie;
}

/*
 * This task has the listening socket open. The first of those that share it by fork counts. Another
 * socket at the same address takes over, unless both may be there at once.
 */
static __always_inline void listener_note(struct sock *sk, __u64 cookie, struct task_struct *task)
{
	struct listener listener = {.cookie = cookie}, *before;
	struct listener_key key = {};

	listener_key_of(&key, sk);
	before = bpf_map_lookup_elem(&listeners, &key);
	if (before && before->cookie == cookie && before->pid)
		return;
	if (before && before->cookie != cookie && !before->closed)
		listener.several = BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_reuseport);
	if (task) {
		listener.pid = BPF_CORE_READ(task, tgid);
		BPF_CORE_READ_STR_INTO(&listener.comm, task, comm);
	}
	bpf_map_update_elem(&listeners, &key, &listener, BPF_ANY);
}

/* The listening socket is closed. Its connections remain, and are those of its owner still. */
static __always_inline void listener_closed(struct sock *sk, __u64 cookie)
{
	struct listener_key key = {};
	struct listener *listener;

	listener_key_of(&key, sk);
	listener = bpf_map_lookup_elem(&listeners, &key);
	if (listener && listener->cookie == cookie)
		listener->closed = 1;
}

#endif
