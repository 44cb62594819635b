/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every difference between kernels, each behind one accessor and with the commit that made it. */
#ifndef MESHLENS_COMPAT_BPF_H
#define MESHLENS_COMPAT_BPF_H

#include "kernel.bpf.h"

/* Before 5.15 the cgroup pointer shared a union with net_prio data and had no field of its own. */
struct sock_cgroup_data___before_5_15 {
	__u64 val;
} __attribute__((preserve_access_index));

/*
 * The cgroup v2 id of a socket, 0 when the kernel gives none.
 * Linux 8520e224f547 ("bpf, cgroups: Fix cgroup v2 fallback on v1/v2 mixed mode", 5.15).
 */
static __always_inline __u64 sock_cgroup_id(struct sock *sk)
{
	struct sock_cgroup_data___before_5_15 *data;
	__u64 val, id = 0;

	if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup))
		return sk->sk_cgrp_data.cgroup->kn->id;

	data = (void *)&sk->sk_cgrp_data;
	val = BPF_CORE_READ(data, val);
	/* Bit 0 marks net_prio data in place of a pointer. */
	if (!(val & 1))
		BPF_CORE_READ_INTO(&id, (struct cgroup *)val, kn, id);
	return id;
}

#endif
