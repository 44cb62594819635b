/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every difference between kernels, each behind one accessor and with the commit that made it. */
#ifndef MESHLENS_COMPAT_BPF_H
#define MESHLENS_COMPAT_BPF_H

#include "kernel.bpf.h"

/* Before 5.15 the cgroup pointer shared a union with net_prio data and had no field of its own. */
struct sock_cgroup_data___before_5_15 {
	__u64 val;
} __attribute__((preserve_access_index));

static __always_inline struct cgroup *sock_cgroup_before_5_15(struct sock *sk)
{
	struct sock_cgroup_data___before_5_15 *data = (void *)&sk->sk_cgrp_data;
	__u64 val = BPF_CORE_READ(data, val);

	/* Bit 0 marks net_prio data in place of a pointer. */
	return val & 1 ? 0 : (struct cgroup *)val;
}

/*
 * The cgroup v2 of a socket, 0 when the kernel gives none.
 * Linux 8520e224f547 ("bpf, cgroups: Fix cgroup v2 fallback on v1/v2 mixed mode", 5.15).
 */
static __always_inline struct cgroup *sock_cgroup(struct sock *sk)
{
	if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup))
		return sk->sk_cgrp_data.cgroup;
	return sock_cgroup_before_5_15(sk);
}

/* The same of a socket that is known by its address only. */
static __always_inline struct cgroup *sock_cgroup_probed(struct sock *sk)
{
	if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup))
		return BPF_CORE_READ(sk, sk_cgrp_data.cgroup);
	return sock_cgroup_before_5_15(sk);
}

/* The id of the socket's cgroup v2, 0 when there is none. */
static __always_inline __u64 sock_cgroup_id(struct sock *sk)
{
	struct cgroup *cgroup = sock_cgroup(sk);
	__u64 id = 0;

	if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup))
		return cgroup ? cgroup->kn->id : 0;
	BPF_CORE_READ_INTO(&id, cgroup, kn, id);
	return id;
}

/* Levels of cgroups; the kernel allows more, nobody has them. */
#define MAX_CGROUP_LEVELS 64

static __always_inline struct cgroup *cgroup_parent(struct cgroup *cgroup)
{
	struct cgroup_subsys_state *parent = BPF_CORE_READ(cgroup, self.parent);

	return parent ? BPF_CORE_READ(parent, cgroup) : 0;
}

struct tcp_sock___since_6_7 {
	__u16 total_rto;
} __attribute__((preserve_access_index));

/* Whether the kernel itself counts retransmission timeouts: then nobody else needs to. */
static __always_inline bool kernel_counts_rto(void)
{
	return bpf_core_field_exists(struct tcp_sock___since_6_7, total_rto);
}

/*
 * Retransmission timeouts of a connection: the kernel's count, or ours from BPF_SOCK_OPS_RTO_CB.
 * Linux 3868ab0f1925 ("tcp: new TCP_INFO stats for RTO events", 6.7).
 */
static __always_inline __u32 tcp_total_rto(struct tcp_sock *tcp, __u32 ours)
{
	if (kernel_counts_rto())
		return ((struct tcp_sock___since_6_7 *)tcp)->total_rto;
	return ours;
}

extern int LINUX_KERNEL_VERSION __kconfig;

/*
 * Whether cgroup programs may have the running task as a typed pointer, which is read like any
 * memory; else every field costs a call. Known of 6.1 and later; 5.10 has no such helper.
 */
static __always_inline bool has_typed_task(void)
{
	return LINUX_KERNEL_VERSION >= KERNEL_VERSION(6, 1, 0);
}

/*
 * Whether a processor or a process holds the socket's lock. Kernels with CONFIG_PREEMPT_RT have
 * another lock there, of which only the second half can be told.
 */
static __always_inline bool sock_is_locked(struct sock *sk)
{
	if (BPF_CORE_READ(sk, sk_lock.owned))
		return true;
	return bpf_core_field_exists(sk->sk_lock.slock.rlock) &&
	       BPF_CORE_READ(sk, sk_lock.slock.rlock.raw_lock.val.counter);
}

#endif
