// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * connect(2) as the application called it: the address it dialled, before another program
 * (Cilium's, a mesh's) rewrites it, and attempts that end before a SYN leaves. Attached before the
 * others where the kernel can. Changes nothing: it returns 1 and writes nothing to the context.
 */
#include "connection.bpf.h"
#include "filter.bpf.h"
#include "unsent.bpf.h"

/* The socket's attempt before this one, which is excluded, may have sent nothing. */
static __always_inline void end_unsent_before(struct bpf_sock *sk, struct tcp_sock *tcp)
{
	struct socket_state *state = socket_find(sk, tcp);

	if (state && state->phase == SOCKET_PHASE_DIALLING && unsent_claim(state))
		report_unsent(state);
}

static __always_inline void on_dial(struct bpf_sock_addr *ctx, const __u8 *address)
{
	struct bpf_sock *sk = ctx->sk;
	bool unsent_excluded = false;
	struct socket_state *state;
	struct tcp_sock *tcp;

	if (!sk || ctx->type != SOCK_STREAM || ctx->protocol != IPPROTO_TCP)
		return;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp)
		return;
	if (excludes_dial(sock_of(tcp), address, ctx->user_port, &unsent_excluded)) {
		end_unsent_before(sk, tcp);
		return;
	}
	state = socket_make(ctx, sk, tcp);
	if (!state)
		return;
	if (state->phase == SOCKET_PHASE_DIALLING && unsent_claim(state))
		report_unsent(state);
	socket_begin(state, tcp, CONNECTION_DIRECTION_OUTBOUND);
	socket_note_owner(state);
	__builtin_memcpy(state->dialled_address, address, sizeof(state->dialled_address));
	state->dialled_port_be = ctx->user_port;
	state->unsent_excluded = unsent_excluded;
	state->phase = SOCKET_PHASE_DIALLING;
}

static __always_inline void on_dial4(struct bpf_sock_addr *ctx)
{
	__u64 address[2];

	map_ipv4((__u8 *)address, ctx->user_ip4);
	on_dial(ctx, (__u8 *)address);
}

static __always_inline void on_dial6(struct bpf_sock_addr *ctx)
{
	__u32 address[4] = {ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]};

	on_dial(ctx, (__u8 *)address);
}

/* Return value 1: the connection may go on. */
SEC("cgroup/connect4")
int tcp_dial4(struct bpf_sock_addr *ctx)
{
	on_dial4(ctx);
	return 1;
}

SEC("cgroup/connect6")
int tcp_dial6(struct bpf_sock_addr *ctx)
{
	on_dial6(ctx);
	return 1;
}
