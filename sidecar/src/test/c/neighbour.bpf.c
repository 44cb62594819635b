// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Another sock_ops program, for NeighbourIT: asks for callbacks of its own, socket by socket, and
 * counts what it is called for. Built by the test (Neighbour.java).
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Indexes of neighbour above the numbers of the callbacks (BPF_SOCK_OPS_..._CB). */
enum {
	NEIGHBOUR_CLOSES = 20, /* callbacks for a socket's last state */
	NEIGHBOUR_FLAGS,       /* that it wants; by the test */
	NEIGHBOUR_OVERWRITES,  /* 1: with no regard for those of others; by the test */
	NEIGHBOUR_COUNT
};

#define TCP_CLOSE 7

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NEIGHBOUR_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} neighbour SEC(".maps");

static __always_inline __u64 read(__u32 index)
{
	__u64 *value = bpf_map_lookup_elem(&neighbour, &index);

	return value ? *value : 0;
}

static __always_inline void count(__u32 index)
{
	__u64 *value = bpf_map_lookup_elem(&neighbour, &index);

	if (value)
		__sync_fetch_and_add(value, 1);
}

SEC("sockops")
int other_sock_ops(struct bpf_sock_ops *ctx)
{
	__u32 op = ctx->op, flags = read(NEIGHBOUR_FLAGS);

	if (op < NEIGHBOUR_CLOSES)
		count(op);
	switch (op) {
	case BPF_SOCK_OPS_STATE_CB:
		if (ctx->args[1] == TCP_CLOSE)
			count(NEIGHBOUR_CLOSES);
		break;
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		if (!read(NEIGHBOUR_OVERWRITES))
			flags |= ctx->bpf_sock_ops_cb_flags;
		bpf_sock_ops_cb_flags_set(ctx, flags);
		break;
	}
	return 1;
}
